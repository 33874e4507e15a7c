// SPDX-License-Identifier: Apache-2.0
// What the evidence says becomes text and nothing else: elements are made here, with textContent. No markup is ever parsed from data.

// Controls, what is invisible, and what turns the direction of writing. Rows come escaped already; the records' own fields do not.
const HARMFUL = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}\ufff9-\ufffb\\]/gu;
const ESCAPES = { '\n': '\\n', '\t': '\\t', '\\': '\\\\' };

function harmless(text) {
	return text.replace(HARMFUL, c => ESCAPES[c] || '\\u{' + c.codePointAt(0).toString(16) + '}');
}

// children: elements, or strings that become text.
function make(tag, className, ...children) {
	const e = document.createElement(tag);

	if (className)
		e.className = className;
	e.append(...children);
	return e;
}

function button(text, onclick) {
	const b = make('button', '', text);

	b.type = 'button';
	b.addEventListener('click', onclick);
	return b;
}

function byId(id) {
	return document.getElementById(id);
}

function plural(n, word, words = word + 's') {
	return n.toLocaleString('en') + ' ' + (n === 1 ? word : words);
}

// Microseconds since 1970 as "2026-11-20T20:00:01.000000Z".
function utc(us) {
	const ms = Math.floor(us / 1000);

	return new Date(ms).toISOString().slice(0, -1) + String(us - ms * 1000).padStart(3, '0') + 'Z';
}

function clock(us) {
	return utc(us).split('T')[1].slice(0, -1);
}

function day(us) {
	return utc(us).split('T')[0];
}

function span(us) {
	const s = us / 1e6;

	if (s < 1)
		return (us / 1000).toFixed(us < 10000 ? 3 : 0) + ' ms';
	if (s < 60)
		return s.toFixed(2) + ' s';
	if (s < 3600)
		return Math.floor(s / 60) + ' min ' + Math.floor(s % 60) + ' s';
	if (s < 86400)
		return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
	return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

// A regular expression that finds one of the texts as they stand, in any case.
function finder(...texts) {
	const escaped = texts.map(t => t.replace(/[.*+?^${}()|[\]\\\/]/g, '\\$&'));

	return texts[0] ? new RegExp(escaped.join('|'), 'giu') : null;
}

// The text, with what was searched for marked.
function appendMarked(element, text, regexp) {
	let at = 0;

	for (const m of regexp ? text.matchAll(regexp) : []) {
		element.append(text.slice(at, m.index), make('mark', '', m[0]));
		at = m.index + m[0].length;
	}
	element.append(text.slice(at));
}
