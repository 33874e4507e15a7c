// SPDX-License-Identifier: Apache-2.0
// What is printed: not the lists, of which only what can be seen is there, but tables of what passes the filters.

const PRINT_MAX = 2000; // rows

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
