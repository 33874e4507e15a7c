// SPDX-License-Identifier: Apache-2.0
// The page: what is filtered, what is shown.

const PRINT_MAX = 2000; // rows on paper
const state = { regexp: null, failed: false, container: -1, process: null, marks: null };
const shown = { rows: [], counts: new Uint32Array(0), filtered: false }; // what passes
const deep = { query: '', hits: null, at: 0, run: 0 }; // the search in all fields
let list, forest, chart, oneDay = true;

// --- filters
function processMatches(regexp) {
	return data.processes.map(p => [p.args, p.exe, p.name, String(p.pid)].some(s => s && s.search(regexp) >= 0));
}

// A function of the record's index: is it searched for?
function queryTest() {
	const regexp = state.regexp;

	if (!regexp)
		return () => true;
	const kinds = data.kinds.map(k => k.name.search(regexp) >= 0), processes = processMatches(regexp);
	const containers = data.containers.map(c => c.search(regexp) >= 0);

	return i => kinds[data.kind[i]] || (data.process[i] >= 0 && processes[data.process[i]]) || data.text[i].search(regexp) >= 0 ||
		data.name[i].search(regexp) >= 0 || containers[data.container[i]] || !!deep.hits?.[i];
}

// Counts of descendants are added to those of their ancestors.
function addUp(counts) {
	for (let i = tree.order.length - 1; i >= 0; i--) {
		const p = tree.order[i];

		if (p.parent)
			counts[p.parent.index] += counts[p.index];
	}
	return counts;
}

// The tree knows no process filter, the chart none of time: they are what one chooses by.
function filter() {
	const isWanted = queryTest(), hidden = data.kinds.map(k => k.hidden), rows = [], charted = [];
	const counts = new Uint32Array(data.processes.length);

	for (let i = 0; i < data.count; i++) {
		if (hidden[data.kind[i]] || (state.failed && !(data.flags[i] & FAILED)) ||
		    (state.container >= 0 && data.container[i] !== state.container) || !isWanted(i))
			continue;
		const p = data.process[i], inTime = data.time[i] >= chart.from && data.time[i] <= chart.to;
		const ofProcess = !state.marks || (p >= 0 && state.marks[p]);

		if (inTime && p >= 0)
			counts[p]++;
		if (ofProcess)
			charted.push(i);
		if (ofProcess && inTime)
			rows.push(i);
	}
	shown.rows = rows;
	shown.counts = addUp(counts);
	shown.filtered = !!state.regexp || state.failed || state.container >= 0 || !chart.isWhole() || hidden.includes(true);
	chart.setRows(charted);
}

function refresh() {
	const kept = list.selected >= 0 ? shown.rows[list.selected] : -1;

	filter();
	list.selected = shown.rows.indexOf(kept);
	list.setCount(shown.rows.length);
	if (list.selected >= 0)
		list.show(list.selected);
	drawTree();
	drawChips();
	drawCounts();
}

function drawTree() {
	const chosen = tree.visible[forest.selected]?.node;

	flatten(shown.counts, byId('matching').checked && shown.filtered);
	forest.selected = tree.visible.findIndex(v => v.node === (state.process || chosen));
	forest.setCount(tree.visible.length);
}

function drawCounts() {
	const all = shown.rows.length === data.count;

	byId('count').textContent = (all ? '' : shown.rows.length.toLocaleString('en') + ' of ') + plural(data.count, 'record') +
		(deep.run && deep.at < data.blocks.length ? `, searching ${Math.floor(deep.at / data.blocks.length * 100)} %` : '');
	byId('range').textContent = data.count ? `${day(chart.from)} ${clock(chart.from).slice(0, 12)} to ` +
		`${day(chart.to) === day(chart.from) ? '' : day(chart.to) + ' '}${clock(chart.to).slice(0, 12)}, ${span(chart.to - chart.from)}` : '';
	for (const b of document.querySelectorAll('#legend button'))
		b.setAttribute('aria-pressed', data.kinds.some(k => k.class === b.dataset.class && !k.hidden));
	for (const box of document.querySelectorAll('#kinds-list input'))
		box.checked = !data.kinds[Number(box.value)].hidden;
}

function drawChips() {
	const hidden = data.kinds.filter(k => k.hidden).length, chips = [
		[state.process, () => `process ${state.process.pid ?? '?'} ${state.process.name}${byId('descendants').checked ? ' with descendants' : ''}`,
			() => chooseProcess(null)],
		[!chart.isWhole(), () => `${clock(chart.from)} to ${clock(chart.to)}`, () => chart.setRange(...chart.whole)],
		[state.regexp, () => `\u201c${byId('query').value}\u201d`, () => setQuery('')],
		[state.failed, () => 'failed only', () => { byId('failed').checked = state.failed = false; refresh(); }],
		[state.container >= 0, () => 'container ' + data.containers[state.container], () => setContainer(-1)],
		[hidden, () => plural(hidden, 'kind') + ' hidden', () => hideKinds(() => false)],
	];

	byId('chips').replaceChildren(...chips.filter(([on]) => on).map(([, text, remove]) => {
		const b = button(text() + ' \u00d7', remove);

		b.title = 'Remove this filter';
		return b;
	}));
}

function setContainer(i) {
	state.container = i;
	byId('container').value = i;
	refresh();
}

function hideKinds(isHidden) {
	for (const k of data.kinds)
		k.hidden = isHidden(k);
	refresh();
}

function setQuery(words) {
	byId('query').value = words;
	state.regexp = finder(words);
	deep.hits = null;
	deep.run++;
	deep.at = data.blocks.length;
	refresh();
	if (words && byId('deep').checked)
		searchAll(words, deep.run);
}

// In all fields, block by block; what is found comes into the list meanwhile. Another search ends this one.
async function searchAll(words, run) {
	const regexp = finder(JSON.stringify(words).slice(1, -1));
	let told = performance.now();

	deep.hits = new Uint8Array(data.count);
	for (deep.at = 0; deep.at < data.blocks.length; deep.at++) {
		const block = data.blocks[deep.at], lines = (await unpack(block.bytes)).split('\n');

		if (deep.run !== run)
			return;
		for (let n = 0; n < block.count; n++)
			deep.hits[block.first + n] = lines[n].search(regexp) >= 0;
		if (performance.now() - told > 500) {
			refresh();
			await new Promise(resolve => setTimeout(resolve));
			told = performance.now();
		}
	}
	refresh();
}

// --- processes
function chooseProcess(p) {
	state.process = p;
	state.marks = !p ? null : byId('descendants').checked ? withDescendants(p) : Uint8Array.from(data.processes, q => q === p);
	if (p)
		reveal(p);
	refresh();
	if (p && forest.selected >= 0)
		forest.show(forest.selected);
	if (p)
		showCard(processCard(p, chooseProcess, closeCard));
}

function toggle(node) {
	node.open = !node.open;
	drawTree();
}

function badges(p) {
	const list = [];

	if (p.session)
		list.push(make('span', 'badge session', 'session'));
	if (p.setup)
		list.push(make('span', 'badge', 'runtime set-up'));
	if (p.snapshot)
		list.push(make('span', 'badge', 'ran already'));
	if (!p.seen)
		list.push(make('span', 'badge', 'only known as parent'));
	if (p.exeFlags)
		list.push(make('span', 'badge ' + (p.odd ? 'odd' : ''), p.exeFlags.replace(/[[\]]/g, '')));
	if (p.exitText && p.exitText !== 'code 0')
		list.push(make('span', 'badge ' + (p.exitText.startsWith('signal') ? 'odd' : ''), p.exitText));
	return list;
}

// Its own row in the tree: a process, or several that are the same.
function fillTreeRow(row, i) {
	const { node, level } = tree.visible[i], p = node.group ? node.members[0] : node, count = matchesOf(node, shown.counts);
	const isBranch = node.nodes.length > 0, twisty = make('span', 'twisty', !isBranch ? '' : node.open ? '\u25be' : '\u25b8');
	const what = make('span', 'command');

	twisty.addEventListener('click', e => { e.preventDefault(); toggle(node); });
	appendMarked(what, headline(p), state.regexp);
	what.title = headline(p);
	row.style.paddingLeft = 4 + Math.min(level, 30) * 16 + 'px';
	row.append(twisty, make('span', 'pid', node.group ? '' : String(p.pid ?? '?')),
		...(node.group ? [make('span', 'badge repeat', '\u00d7 ' + node.members.length)] : badges(p)), what,
		make('span', 'user', p.euid === undefined ? '' : p.euid === 0 ? 'root' : 'uid ' + p.euid),
		make('span', 'when', p.begin === null ? '' : clock(p.begin).slice(0, 12)),
		make('span', 'number', count ? String(count) : ''));
	row.classList.toggle('dimmed', !count && shown.filtered);
	row.classList.toggle('ghost', !p.seen);
	row.setAttribute('aria-level', level + 1);
	if (isBranch)
		row.setAttribute('aria-expanded', node.open);
}

function chooseTreeRow(i, byKey) {
	const { node } = tree.visible[i];

	if (node.group)
		return byKey ? undefined : toggle(node);
	chooseProcess(node === state.process && !byKey ? null : node);
}

function treeKey(e, i) {
	const node = tree.visible[i]?.node;

	if (!node || !['ArrowRight', 'ArrowLeft', ' '].includes(e.key))
		return false;
	if (e.key === ' ' || (e.key === 'ArrowRight') !== !!node.open) {
		if (node.nodes.length)
			toggle(node);
	} else if (e.key === 'ArrowLeft' && node.parent) {
		forest.select(tree.visible.findIndex(v => v.node === node.parent), true);
	}
	return true;
}

// --- records
function marksOf(flags) {
	return [[FAILED, 'odd', 'failed'], [SECRET, 'session', 'secret'], [ODD_FILE, 'odd', 'not of the image']]
		.filter(([bit]) => flags & bit).map(([, style, text]) => make('span', 'badge ' + style, text));
}

function fillRow(row, at) {
	const i = shown.rows[at], kind = data.kinds[data.kind[i]], what = make('span', 'what'), who = make('span', 'who');

	appendMarked(what, data.text[i], state.regexp);
	what.title = data.text[i];
	appendMarked(who, (data.pid[i] < 0 ? '' : data.pid[i] + ' ') + data.name[i], state.regexp);
	row.append(make('time', '', oneDay ? clock(data.time[i]) : utc(data.time[i]).replace('T', ' ')), make('span', 'kind ' + kind.class, kind.name));
	if (data.containers.length > 1)
		row.append(make('span', 'container', data.containers[data.container[i]]));
	row.append(who, ...marksOf(data.flags[i]), what);
	row.classList.toggle('lost', kind.name === 'LOSS');
}

async function showRecord(at) {
	const i = shown.rows[at], p = data.process[i] >= 0 ? data.processes[data.process[i]] : null;
	const record = await recordOf(i);

	if (shown.rows[list.selected] !== i)
		return; // another one was chosen meanwhile
	const actions = p ? [button(`Only process ${p.pid ?? '?'} ${p.name}`, () => chooseProcess(p))] : [];

	actions.push(button('One second around it', () => chart.setRange(data.time[i] - 5e5, data.time[i] + 5e5)));
	showCard(recordCard(i, record, state.regexp, actions, closeCard));
}

function showCard(children) {
	const details = byId('details');

	details.replaceChildren(...children);
	details.hidden = false;
	details.scrollTop = 0;
}

function closeCard() {
	byId('details').hidden = true;
	byId('list').focus();
}

function pick(time) {
	const at = shown.rows.findIndex(i => data.time[i] >= time);

	if (at >= 0)
		list.select(at);
}

// --- paper
function printTable(rows) {
	const table = make('table');

	for (const i of rows.slice(0, PRINT_MAX))
		table.append(make('tr', '', make('td', '', utc(data.time[i])), make('td', '', data.kinds[data.kind[i]].name),
			make('td', '', (data.pid[i] < 0 ? '' : data.pid[i] + ' ') + data.name[i]), make('td', '', data.text[i])));
	return table;
}

function printTree() {
	return tree.visible.slice(0, PRINT_MAX).map(({ node, level }) => {
		const p = node.group ? node.members[0] : node, line = make('p', 'tree-line');

		line.style.paddingLeft = Math.min(level, 20) * 14 + 'px';
		line.append(node.group ? `${node.members.length} times: ` : `${p.pid ?? '?'} `, headline(p), ' ', ...badges(p));
		return line;
	});
}

function left(all) {
	return all > PRINT_MAX ? `, the first ${PRINT_MAX} of ${all}` : '';
}

function beforePrint() {
	const chips = [...byId('chips').children].map(b => b.textContent.replace(/ \u00d7$/, ''));

	byId('print').replaceChildren(make('h2', '', 'Processes' + left(tree.visible.length)), ...printTree(),
		make('h2', '', 'Records' + left(shown.rows.length)), make('p', '', chips.length ? 'Only: ' + chips.join('; ') : ''), printTable(shown.rows));
}

// --- start
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

	byId('container-label').hidden = data.containers.length < 2;
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
	byId('tree-count').textContent = String(data.processes.filter(p => p.seen).length);
	fillKinds();
	fillContainers();
	listen();
	refresh();
	loading.remove();
	document.documentElement.dataset.ready = data.count;
}

if (typeof DecompressionStream === 'undefined')
	byId('loading').textContent = 'This browser is too old to show the records: it takes Chromium 80, Firefox 113 or Safari 16.4, or later.';
else
	start().catch(e => { byId('loading').textContent = 'The records of this page cannot be read: ' + harmless(String(e)); });
