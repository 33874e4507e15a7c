// SPDX-License-Identifier: Apache-2.0
// One record with all its fields, or one process.

const FIELDS_MAX = 2000; // elements of one list

function nanoTime(text) {
	try {
		const ns = BigInt(text), us = Number(ns / 1000n);

		return utc(us).slice(0, -1) + String(ns % 1000n).replace('-', '').padStart(3, '0') + 'Z';
	} catch {
		return '';
	}
}

function valueText(key, value) {
	const text = harmless(String(value));

	return key.endsWith('_unix_nano') ? text + '  (' + nanoTime(value) + ')' : text;
}

// The schema nests a few levels; a stack serves any depth.
function fieldRows(record) {
	const rows = [], stack = [['', record, -1]];

	while (stack.length) {
		const [key, value, level] = stack.pop(), isBranch = value !== null && typeof value === 'object';

		if (level >= 0)
			rows.push({ key, level, text: isBranch ? '' : valueText(key, value), isBranch });
		if (!isBranch)
			continue;
		const entries = Object.entries(value).slice(0, FIELDS_MAX);

		if (Object.keys(value).length > FIELDS_MAX)
			stack.push(['...', `and ${Object.keys(value).length - FIELDS_MAX} more, in the line of JSON below`, level + 1]);
		for (const [k, v] of entries.reverse())
			stack.push([k, v, level + 1]);
	}
	return rows;
}

function fieldTable(record, regexp) {
	const table = make('table', 'fields');

	for (const { key, level, text, isBranch } of fieldRows(record)) {
		const th = make('th', '', harmless(key)), td = make('td');

		th.style.paddingLeft = 6 + Math.min(level, 20) * 14 + 'px';
		th.scope = 'row';
		appendMarked(td, text, regexp);
		table.append(make('tr', isBranch ? 'branch' : '', th, td));
	}
	return table;
}

function closeButton(close) {
	const b = button('\u00d7', close);

	b.className = 'close';
	b.setAttribute('aria-label', 'Close details');
	return b;
}

// actions: buttons.
function recordCard(i, record, regexp, actions, close) {
	const kind = data.kinds[data.kind[i]], what = make('p', 'what'), json = make('details');

	appendMarked(what, data.text[i], regexp);
	json.append(make('summary', '', 'As a line of JSON'), make('pre', '', harmless(JSON.stringify(record))));
	return [
		make('div', 'title', make('h2', '', make('b', 'kind ' + kind.class, kind.name), ' ', make('time', '', utc(data.time[i]))), closeButton(close)),
		what,
		make('p', 'actions', ...actions),
		fieldTable(record, regexp),
		json,
	];
}

function processWords(p) {
	const words = [];

	if (p.session)
		words.push('came in from outside while the container ran (a session)');
	if (p.outside)
		words.push('it, or one that it descends from, has left the container\'s cgroup');
	if (p.setup)
		words.push('the runtime\'s own, to set the container up');
	if (p.snapshot)
		words.push('ran already when the sensor started');
	if (!p.seen)
		words.push('known only as a parent: outside the container, or dead before its first record here');
	return words.join('; ');
}

function lifeRows(p) {
	return [
		[p.snapshot ? 'seen first' : p.forked ? 'forked' : 'first record', p.begin],
		['last exec', p.exec],
		['exit', p.exit],
		['last record', p.exit === null ? p.last : null],
	].filter(([, time]) => time !== null).map(([key, time]) => [key, utc(time) + (key === 'exit' ? '  ' + p.exitText : '')]);
}

function kindCounts(p) {
	const counts = new Map();

	for (let i = 0; i < data.count; i++)
		if (data.process[i] === p.index)
			counts.set(data.kind[i], (counts.get(data.kind[i]) || 0) + 1);
	return [...counts].map(([k, n]) => `${data.kinds[k].name} ${n}`).join(', ');
}

function processRows(p) {
	return [
		['arguments', p.args], ['file', (p.exe + '  ' + p.exeFlags).trim()], ['name', p.name],
		['pid', p.pid === null ? '' : p.pid + (p.nsPid === undefined ? '' : ', inside ' + p.nsPid)],
		['user', p.euid === undefined ? '' : 'euid ' + p.euid + (p.uid === undefined ? '' : ', uid ' + p.uid)],
		['container', data.containers[p.container]], ['note', processWords(p)], ...lifeRows(p),
		['lasted', p.exit !== null ? span(p.exit - p.begin) : ''],
		['records', p.seen ? `${p.records}, of them ${p.failed} failed: ${kindCounts(p)}` : ''],
		['process_uid', p.id],
	].filter(([, text]) => text);
}

// show(process): goes to another one.
function processCard(p, show, close) {
	const table = make('table', 'fields'), chain = make('td');

	for (const [key, text] of processRows(p))
		table.append(make('tr', '', make('th', '', key), make('td', '', String(text))));
	for (let q = p.parent, n = 0; q && n < 32; q = q.parent, n++) {
		const above = q;

		chain.append(n ? ' \u2190 ' : '', button(`${above.pid ?? '?'} ${above.name || headline(above).slice(0, 60)}`, () => show(above)));
	}
	if (p.parent)
		table.append(make('tr', '', make('th', '', 'began by'), chain));
	return [
		make('div', 'title', make('h2', '', `Process ${p.pid ?? '?'} ${p.name}`), closeButton(close)),
		table,
	];
}
