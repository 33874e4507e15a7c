// SPDX-License-Identifier: Apache-2.0
// A row of the tree, a row of the list, and what happens when one is chosen.

function chooseProcess(p) {
	state.process = p;
	state.marks = !p ? null : byId('descendants').checked ? withDescendants(p) : Uint8Array.from(data.processes, q => q === p);
	if (p) {
		tree.chosen = p;
		reveal(p);
	}
	refresh();
	if (p)
		showCard(processCard(p, chooseProcess, closeCard));
	if (p && forest.selected >= 0)
		forest.show(forest.selected); // the card took some of its room
}

function toggle(node) {
	node.open = !node.open;
	drawTree();
}

function badges(p) {
	const list = [];

	if (p.session)
		list.push(make('span', 'badge session', 'session'));
	if (p.outside)
		list.push(make('span', 'badge odd', 'left the container'));
	if (p.setup)
		list.push(make('span', 'badge', 'runtime set-up'));
	if (p.snapshot)
		list.push(make('span', 'badge', 'ran already'));
	if (!p.seen)
		list.push(make('span', 'badge', 'outside, or before'));
	if (p.exeFlags)
		list.push(make('span', 'badge ' + (p.odd ? 'odd' : ''), p.exeFlags.replace(/[[\]]/g, '')));
	return list;
}

const LEVELS_MAX = 25; // that are drawn further and further to the right

// How it ended: "0", "SIGKILL".
function ending(p) {
	if (p.exit === null)
		return make('span', 'exit', p.seen ? 'none seen' : '');
	const name = p.exitText.match(/\((SIG\w+)\)/)?.[1] ?? p.exitText.replace(/^code (\d+)/, '$1');
	const e = make('span', p.exitText === 'code 0' ? 'exit' : 'exit bad', name);

	e.title = utc(p.exit) + ' ' + p.exitText;
	return e;
}

// Its own row in the tree: a process, or several that are the same.
function fillTreeRow(row, i) {
	const { node, level } = tree.visible[i], p = node.group ? node.members[0] : node, count = matchesOf(node, shown.counts);
	const isBranch = node.nodes.length > 0, twisty = make('span', 'twisty', !isBranch ? '' : node.open ? '\u25be' : '\u25b8');
	const what = make('span', 'command');

	twisty.addEventListener('click', e => { e.preventDefault(); toggle(node); });
	appendMarked(what, headline(p), state.regexp);
	if (!level && p.parent)
		what.append(make('small', '', chainAbove(p)));
	what.title = headline(p) + chainAbove(p);
	row.style.paddingLeft = 4 + Math.min(level, LEVELS_MAX) * 16 + 'px';
	row.append(twisty, ...(level > LEVELS_MAX ? [make('span', 'badge', 'level ' + (level + 1))] : []), make('span', 'pid', node.group ? '' : String(p.pid ?? '?')),
		...(node.group ? [make('span', 'badge repeat', '\u00d7 ' + node.members.length)] : badges(p)), what,
		make('span', 'user', p.euid === undefined ? '' : p.euid === 0 ? 'root' : 'uid ' + p.euid),
		make('span', 'when', p.begin === null ? '' : clock(p.begin).slice(0, 8)), ending(p),
		make('span', 'number', count ? String(count) : ''));
	row.classList.toggle('dimmed', !count && shown.filtered);
	row.classList.toggle('ghost', !p.seen);
	row.setAttribute('aria-level', level + 1);
	if (isBranch)
		row.setAttribute('aria-expanded', node.open);
}

function chooseTreeRow(i, byKey) {
	const { node } = tree.visible[i];

	tree.chosen = node;
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

function marksOf(flags) {
	return [[FAILED, 'odd', 'failed'], [SECRET, 'session', 'secret'], [ODD_FILE, 'odd', 'unusual file']]
		.filter(([bit]) => flags & bit).map(([, style, text]) => make('span', 'badge ' + style, text));
}

function fillRow(row, at) {
	const i = shown.rows[at], kind = data.kinds[data.kind[i]], what = make('span', 'what'), who = make('span', 'who');

	appendMarked(what, data.text[i], state.regexp);
	what.title = data.text[i];
	appendMarked(who, (data.pid[i] < 0 ? '' : data.pid[i] + ' ') + data.name[i], state.regexp);
	row.append(make('time', '', oneDay ? clock(data.time[i]) : utc(data.time[i]).replace('T', ' ')), make('span', 'kind ' + kind.class, kind.name));
	if (data.containers.length > 1)
		row.append(make('span', 'in', data.containers[data.container[i]]));
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
	byId('work').classList.add('detailed');
	details.scrollTop = 0;
}

function closeCard() {
	byId('details').hidden = true;
	byId('work').classList.remove('detailed');
	byId('list').focus();
}

function pick(time) {
	const at = shown.rows.findIndex(i => data.time[i] >= time);

	if (at >= 0)
		list.select(at);
}
