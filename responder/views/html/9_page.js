// SPDX-License-Identifier: Apache-2.0
// Puts the page together.

function fillKinds() {
	const classes = CLASSES.filter(c => data.kinds.some(k => k.class === c));

	for (const c of classes) {
		const total = data.kinds.reduce((n, k) => n + (k.class === c ? k.count : 0), 0);
		const b = button('', () => {
			const hide = data.kinds.some(k => k.class === c && !k.hidden);

			hideKinds(k => k.class === c ? hide : k.hidden);
		});

		b.dataset.class = c;
		b.append(make('i', 'swatch ' + c), ` ${c} ${total.toLocaleString('en')}`);
		b.title = 'Show or hide these';
		byId('legend').append(b);
		byId('kinds-list').append(make('h3', '', c), ...data.kinds.map((k, i) => k.class === c ? kindBox(k, i) : '').filter(Boolean));
	}
}

function kindBox(kind, i) {
	const box = make('input'), label = make('label', '', box, ` ${kind.name} `, make('small', '', String(kind.count)));

	box.type = 'checkbox';
	box.value = i;
	box.addEventListener('change', () => hideKinds(k => k === kind ? !box.checked : k.hidden));
	return label;
}

function fillContainers() {
	const select = byId('container');

	byId('container-label').hidden = byId('in-head').hidden = data.containers.length < 2;
	select.append(new Option('all', -1), ...data.containers.map((name, i) => new Option(name, i)));
	select.addEventListener('change', () => setContainer(Number(select.value)));
}

function later(ms, fn) {
	let timer;

	return () => {
		clearTimeout(timer);
		timer = setTimeout(fn, ms);
	};
}

function clearAll() {
	byId('failed').checked = state.failed = false;
	byId('deep').checked = false;
	state.container = -1;
	byId('container').value = -1;
	state.process = state.marks = null;
	for (const k of data.kinds)
		k.hidden = false;
	[chart.from, chart.to] = chart.whole;
	setQuery('');
}

function listen() {
	const on = (id, what, fn) => byId(id).addEventListener(what, fn);

	on('query', 'input', later(150, () => setQuery(byId('query').value)));
	on('query', 'keydown', e => e.key === 'Enter' && list.count && (byId('list').focus(), list.select(0, true)));
	on('deep', 'change', () => setQuery(byId('query').value));
	on('search-all', 'click', () => { byId('deep').checked = true; setQuery(byId('query').value); });
	on('failed', 'change', () => { state.failed = byId('failed').checked; refresh(); });
	on('descendants', 'change', () => state.process && chooseProcess(state.process));
	on('matching', 'change', drawTree);
	on('expand', 'click', () => { setOpen(true); drawTree(); });
	on('collapse', 'click', () => { setOpen(false); drawTree(); });
	on('kinds-all', 'click', () => hideKinds(() => false));
	on('kinds-none', 'click', () => hideKinds(() => true));
	on('clear', 'click', clearAll);
	on('zoom-in', 'click', () => chart.zoom(0.5));
	on('zoom-out', 'click', () => chart.zoom(2));
	on('zoom-all', 'click', () => chart.setRange(...chart.whole));
	document.addEventListener('keydown', e => {
		if (e.key === 'Escape' && byId('kinds').open)
			byId('kinds').open = false;
		else if (e.key === 'Escape' && !byId('details').hidden)
			closeCard();
		else if (e.key === '/' && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) {
			e.preventDefault();
			byId('query').focus();
		}
	});
	document.addEventListener('click', e => {
		if (!byId('kinds').contains(e.target))
			byId('kinds').open = false;
	});
	addEventListener('beforeprint', beforePrint);
	addEventListener('afterprint', () => byId('print').replaceChildren());
}

function timeBounds() {
	let first = Infinity, last = -Infinity;

	for (const t of data.time) {
		first = Math.min(first, t);
		last = Math.max(last, t);
	}
	return data.count ? [first, last] : [0, 1];
}

async function start() {
	const loading = byId('loading');

	await load((n, all) => { loading.textContent = `Loading ${Math.floor(n / all * 100)} %`; });
	buildTree();
	byId('work').hidden = false;
	list = new List(byId('list'), 'option', { fill: fillRow, onselect: showRecord, onactivate: () => byId('details').focus() });
	forest = new List(byId('tree'), 'treeitem', { fill: fillTreeRow, onselect: chooseTreeRow, onactivate: () => byId('details').focus(), onkey: treeKey });
	chart = new Chart(byId('chart'), refresh, pick);
	chart.setWhole(...timeBounds());
	oneDay = day(chart.from) === day(chart.to);
	byId('time-pane').classList.toggle('many-days', !oneDay);
	byId('tree-count').textContent = data.processes.filter(p => p.seen).length.toLocaleString('en') +
		(data.processes.length >= PROCESSES_MAX ? ', not all with those above them' : '');
	fillKinds();
	fillContainers();
	listen();
	refresh();
	loading.remove();
	document.documentElement.dataset.ready = data.count;
}

if (typeof DecompressionStream === 'undefined')
	byId('loading').textContent = 'This browser is too old to show the records: it takes Chromium 86, Firefox 113 or Safari 16.4, or later.';
else
	start().catch(e => { byId('loading').textContent = 'The records of this page cannot be read: ' + harmless(String(e)); });
