// SPDX-License-Identifier: Apache-2.0
// The records, out of the page's data blocks: columns for the list, processes for the tree. The records themselves stay packed until
// somebody looks at one.

const FAILED = 1, SECRET = 2, ODD_FILE = 4;
// Evidence may hold any names. What is beyond these is shown under one name, or without those above it.
const KINDS_MAX = 200, NAMES_MAX = 1000, PROCESSES_MAX = 400000;
const CLASSES = ['process', 'file', 'network', 'container', 'kernel', 'sensor', 'other'];

const data = {
	count: 0, time: null, kind: null, container: null, process: null, flags: null, pid: null,
	text: [], name: [], // the process's name, as of the record
	kinds: [], // {name, class, count}
	containers: [], // names
	processes: [],
	blocks: [], // {first, count, bytes}
};
const kindIndex = new Map(), processIndex = new Map(), containerIndex = new Map(), names = new Map();

function decodeBase64(text) {
	if (Uint8Array.fromBase64)
		return Uint8Array.fromBase64(text);
	return Uint8Array.from(atob(text), c => c.charCodeAt(0));
}

function unpack(bytes) {
	return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
}

function kindOf(name, className) {
	if (data.kinds.length >= KINDS_MAX && !kindIndex.has(name))
		name = '(other kinds)';
	let i = kindIndex.get(name);

	if (i === undefined) {
		i = data.kinds.length;
		kindIndex.set(name, i);
		data.kinds.push({ name, class: CLASSES.includes(className) ? className : 'other', count: 0, hidden: false });
	}
	data.kinds[i].count++;
	return i;
}

// The same text once: names come again and again.
function once(text) {
	if (text === null)
		return '';
	if (!names.has(text) && names.size < 100000)
		names.set(text, text);
	return names.get(text) ?? text;
}

function containerOf(index, recorded) {
	if (recorded === undefined)
		return index;
	const key = containerIndex.size < NAMES_MAX || containerIndex.has(recorded) ? recorded : '(others)';

	if (!containerIndex.has(key)) {
		containerIndex.set(key, data.containers.length);
		data.containers.push(key);
	}
	return containerIndex.get(key);
}

function processOf(container, uid, pid, name) {
	const key = container + '/' + uid;
	let p = processIndex.get(key);

	if (!p) {
		p = {
			index: data.processes.length, container, id: uid, pid, name, args: '', exe: '', exeFlags: '',
			parentId: null, ownParent: false, parent: null, children: [], nodes: null, open: false, depth: 0,
			seen: false, forked: false, execs: 0, session: false, outside: false, setup: false, snapshot: false,
			records: 0, failed: 0, begin: null, last: null, exec: null, exit: null, exitText: '', odd: false,
		};
		processIndex.set(key, p);
		data.processes.push(p);
	}
	return p;
}

// Those above a process, as far as they were known when it was first seen: dead by now, or outside.
function learnAncestors(p, info) {
	let below = p, list = [[info.parent, info.parentPid, info.parentName, info.parentExe, info.parentArgs], ...(info.ancestors || [])];

	for (const [uid, pid, name, exe, args] of list) {
		if (!uid || data.processes.length >= PROCESSES_MAX || below.ownParent || (below !== p && below.parentId))
			return;
		const above = processOf(p.container, uid, pid ?? null, name ?? '');

		below.parentId = uid;
		below.ownParent = below === p;
		if (!above.seen && !above.exe && exe)
			above.exe = exe;
		if (!above.seen && !above.args && args)
			above.args = args;
		below = above;
	}
}

function learn(p, info, kind) {
	if (!p.ownParent && info.parent) {
		p.parentId = null;
		learnAncestors(p, info);
	}
	if (info.args && (!p.execs || kind === 'EXEC'))
		p.args = info.args;
	if (info.exe && (!p.execs || kind === 'EXEC'))
		p.exe = info.exe;
	if (info.exeFlags !== undefined)
		p.exeFlags = info.exeFlags.trim();
	p.nsPid = info.nsPid ?? p.nsPid;
	p.uid = info.uid ?? p.uid;
	p.euid = info.euid ?? p.euid;
	p.session ||= !!info.session;
	p.snapshot ||= !!info.snapshot;
	p.outside ||= !!info.outside;
	p.setup = !!info.setup;
}

function note(p, kind, time, flags, text) {
	p.seen = true;
	p.records++;
	p.begin ??= time;
	p.last = time;
	if (flags & FAILED)
		p.failed++;
	if (kind === 'FORK') {
		p.forked = true;
		p.begin = time;
	} else if (kind === 'EXEC') {
		p.execs++;
		p.exec = time;
		p.odd ||= !!(flags & ODD_FILE);
	} else if (kind === 'EXIT') {
		p.exit = time;
		p.exitText = text;
	}
}

function takeRow(i, [time, kind, className, container, uid, pid, name, flags, text, info, recorded]) {
	kind = once(kind);
	data.time[i] = time;
	data.kind[i] = kindOf(kind, className);
	data.container[i] = containerOf(container, recorded);
	data.flags[i] = flags;
	data.pid[i] = pid ?? -1;
	data.name[i] = once(name);
	data.text[i] = text;
	data.process[i] = -1;
	if (uid === null)
		return;
	const p = processOf(container, uid, pid, name ?? '');

	p.pid = pid ?? p.pid;
	// What comes late can have the name from before: a CLOSE_WRITE that of the open.
	if (!p.execs || kind === 'EXEC' || kind === 'EXIT')
		p.name = once(name) || p.name;
	data.process[i] = p.index;
	if (info)
		learn(p, info, kind);
	note(p, kind, time, flags, text);
}

function allocate(count) {
	data.count = count;
	data.time = new Float64Array(count);
	data.kind = new Uint16Array(count);
	data.container = new Uint32Array(count);
	data.process = new Int32Array(count);
	data.flags = new Uint8Array(count);
	data.pid = new Float64Array(count);
	data.text = new Array(count);
	data.name = new Array(count);
}

async function takeBlock(rows, records, first) {
	const list = JSON.parse(await unpack(decodeBase64(rows.textContent)));

	list.forEach((row, n) => takeRow(first + n, row));
	data.blocks.push({ first, count: list.length, bytes: decodeBase64(records.textContent) });
	rows.remove();
	records.remove();
	return list.length;
}

async function load(progress) {
	const rows = [...document.querySelectorAll('script.rows')], records = [...document.querySelectorAll('script.records')];
	let first = 0;

	allocate(rows.reduce((sum, s) => sum + Number(s.dataset.count), 0));
	data.containers = JSON.parse(await unpack(decodeBase64(document.querySelector('script.names').textContent)));
	for (let b = 0; b < rows.length; b++) {
		first += await takeBlock(rows[b], records[b], first);
		progress(first, data.count);
	}
	names.clear();
}

// --- the whole records
let opened = { block: null, lines: null };

async function linesOf(block) {
	if (opened.block !== block)
		opened = { block, lines: (await unpack(block.bytes)).split('\n') };
	return opened.lines;
}

async function recordOf(i) {
	const block = data.blocks.find(b => i >= b.first && i < b.first + b.count);

	return JSON.parse((await linesOf(block))[i - block.first]);
}
