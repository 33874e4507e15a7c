// SPDX-License-Identifier: Apache-2.0
// Processes as a tree of nodes to draw: a process, or a row of childless brothers that all ran the same. Evidence may lie: a ring of
// parents is cut open, depth is drawn up to a bound, and nothing recurses.

const REPEATS = 4; // so many brothers in a row, or more, are drawn as one
const OPEN_AT_FIRST = 2000; // nodes; in a larger tree only the upper levels are open
const tree = { roots: [], tops: [], order: [], visible: [], chosen: null };

function headline(p) {
	// One that only forked has its parent's arguments: its own name says more.
	if (p.forked && !p.execs && p.name)
		return p.name + '  (forked, no exec)';
	return p.args || p.exe || p.name || '?';
}

function linkParents() {
	for (const p of data.processes) {
		const parent = p.parentId && processIndex.get(p.container + '/' + p.parentId);

		if (parent && parent !== p)
			p.parent = parent;
	}
}

// Cuts each ring at the process that was seen first.
function cutRings() {
	const state = new Uint8Array(data.processes.length); // 1: on the way up, 2: leads to a root

	for (const start of data.processes) {
		const way = [];
		let p = start;

		for (; p && !state[p.index]; p = p.parent) {
			state[p.index] = 1;
			way.push(p);
		}
		if (p && state[p.index] === 1)
			p.parent = null;
		for (const q of way)
			state[q.index] = 2;
	}
}

function isRepeat(a, b) {
	return !a.children.length && !b.children.length && !a.session && !b.session && a.exitText === b.exitText &&
		a.euid === b.euid && headline(a) === headline(b) && a.seen && b.seen;
}

// A group looks like a process with children, as far as the tree is concerned.
function nodesOf(children) {
	const nodes = [];

	for (let i = 0, end; i < children.length; i = end) {
		for (end = i + 1; end < children.length && isRepeat(children[i], children[end]); end++)
			;
		if (end - i >= REPEATS)
			nodes.push({ group: true, members: children.slice(i, end), nodes: children.slice(i, end), open: false });
		else
			nodes.push(...children.slice(i, end));
	}
	return nodes;
}

// Where a tree is drawn from: those above, of which nothing is known but that they are above, stand in one row with the last of them.
function topOf(root) {
	let p = root;

	while (!p.seen && p.children.length === 1 && !p.children[0].seen)
		p = p.children[0];
	return p;
}

// "nginx < containerd-shim < systemd": those above, nearest first.
function chainAbove(p) {
	let text = '';

	for (let q = p.parent, n = 0; q && n < 16; q = q.parent, n++)
		text += ' \u2190 ' + (q.name || headline(q));
	return text;
}

// Parents before children, so that counts add up backwards.
function arrange() {
	const stack = [...tree.roots].reverse();

	while (stack.length) {
		const p = stack.pop();

		tree.order.push(p);
		for (let i = p.children.length - 1; i >= 0; i--) {
			p.children[i].depth = p.depth + 1;
			stack.push(p.children[i]);
		}
		p.nodes = nodesOf(p.children);
	}
}

function buildTree() {
	linkParents();
	cutRings();
	for (const p of data.processes)
		(p.parent ? p.parent.children : tree.roots).push(p);
	arrange();
	tree.tops = tree.roots.map(topOf);
	const all = data.processes.length <= OPEN_AT_FIRST;

	for (const p of data.processes)
		p.open = all || p.depth < 6;
}

// counts: of matching records, with those of descendants; hide: only processes that have some.
function flatten(counts, hide) {
	const stack = tree.tops.map(node => [node, 0]).reverse();

	tree.visible = [];
	while (stack.length) {
		const [node, level] = stack.pop();

		if (hide && !matchesOf(node, counts))
			continue;
		tree.visible.push({ node, level });
		if (node.open)
			for (let i = node.nodes.length - 1; i >= 0; i--)
				stack.push([node.nodes[i], level + 1]);
	}
}

function matchesOf(node, counts) {
	return node.group ? node.members.reduce((sum, p) => sum + counts[p.index], 0) : counts[node.index];
}

function setOpen(open) {
	for (const p of data.processes) {
		p.open = open;
		for (const node of p.nodes)
			node.open = open;
	}
}

// Opens all that is above it.
function reveal(p) {
	for (let q = p.parent, below = p; q; below = q, q = q.parent) {
		q.open = true;
		for (const node of q.nodes)
			if (node.group && node.members.includes(below))
				node.open = true;
	}
}

function withDescendants(p) {
	const marks = new Uint8Array(data.processes.length), stack = [p];

	while (stack.length) {
		const q = stack.pop();

		marks[q.index] = 1;
		for (const child of q.children)
			stack.push(child);
	}
	return marks;
}
