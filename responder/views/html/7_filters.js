// SPDX-License-Identifier: Apache-2.0
// Which records pass: search, kinds, failure, container, process, time. Tree, chart and list show what does.

const state = { regexp: null, failed: false, container: -1, process: null, marks: null };
const shown = { rows: [], counts: new Uint32Array(0), filtered: false }; // what passes
const deep = { query: '', hits: null, at: 0, run: 0 }; // the search in all fields
let list, forest, chart, oneDay = true;

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
	flatten(shown.counts, byId('matching').checked && shown.filtered);
	forest.selected = tree.visible.findIndex(v => v.node === tree.chosen);
	forest.setCount(tree.visible.length);
}

function drawCounts() {
	const all = shown.rows.length === data.count;

	byId('count').textContent = (all ? '' : shown.rows.length.toLocaleString('en') + ' of ') + plural(data.count, 'record') +
		(deep.run && deep.at < data.blocks.length ? `, searching ${Math.floor(deep.at / data.blocks.length * 100)} %` : '');
	byId('empty').hidden = shown.rows.length > 0;
	byId('search-all').hidden = !state.regexp || byId('deep').checked;
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
	const regexp = finder(words, JSON.stringify(words).slice(1, -1));
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
