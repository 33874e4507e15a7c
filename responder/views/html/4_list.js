// SPDX-License-Identifier: Apache-2.0
// A list of any length: only the rows that can be seen are in the document.

const ROW_HEIGHT = 24; // as in the style

class List {
	// fill(row, i): makes the empty element show what is at i. onselect(i, byKey), onkey(event, i): true if it took the key.
	constructor(element, role, { fill, onselect, onactivate, onkey }) {
		Object.assign(this, { element, role, fill, onselect, onactivate, onkey, count: 0, selected: -1, first: 0 });
		this.space = element.appendChild(make('div', 'space'));
		this.space.setAttribute('role', 'presentation');
		this.rows = [];
		element.addEventListener('scroll', () => this.draw());
		element.addEventListener('keydown', e => this.key(e));
		element.addEventListener('click', e => this.click(e));
		new ResizeObserver(() => this.draw()).observe(element);
	}

	setCount(count) {
		this.count = count;
		this.space.style.height = count * ROW_HEIGHT + 'px';
		if (this.selected >= count)
			this.selected = -1;
		this.draw();
	}

	draw() {
		const height = this.element.clientHeight, top = this.element.scrollTop;
		const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - 2);
		const last = Math.min(this.count, Math.ceil((top + height) / ROW_HEIGHT) + 2);

		while (this.rows.length < last - first)
			this.rows.push(this.space.appendChild(make('div', 'row')));
		while (this.rows.length > Math.max(0, last - first))
			this.rows.pop().remove();
		for (let i = first; i < last; i++)
			this.drawRow(this.rows[i - first], i);
		this.first = first;
		this.point();
	}

	drawRow(row, i) {
		row.replaceChildren();
		row.className = 'row';
		row.id = this.element.id + '-' + i;
		row.setAttribute('role', this.role);
		row.setAttribute('aria-selected', i === this.selected);
		row.style.transform = `translateY(${i * ROW_HEIGHT}px)`;
		this.fill(row, i);
		row.classList.toggle('selected', i === this.selected);
	}

	// Tells assistive programs which row is meant, if it is there.
	point() {
		const i = this.selected, there = i >= this.first && i < this.first + this.rows.length;

		if (there)
			this.element.setAttribute('aria-activedescendant', this.element.id + '-' + i);
		else
			this.element.removeAttribute('aria-activedescendant');
	}

	show(i) {
		const top = i * ROW_HEIGHT, e = this.element;

		if (top < e.scrollTop || top + ROW_HEIGHT > e.scrollTop + e.clientHeight)
			e.scrollTop = Math.max(0, top - e.clientHeight / 2);
	}

	select(i, byKey = false) {
		if (!this.count)
			return;
		this.selected = Math.min(Math.max(i, 0), this.count - 1);
		this.show(this.selected);
		this.draw();
		this.onselect(this.selected, byKey);
	}

	click(e) {
		const i = this.rows.findIndex(row => row.contains(e.target));

		if (i >= 0 && !e.defaultPrevented)
			this.select(this.first + i);
	}

	key(e) {
		const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 1);
		const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };

		if (e.ctrlKey || e.altKey || e.metaKey)
			return;
		if (this.onkey?.(e, this.selected) || (e.key === 'Enter' && this.onactivate(this.selected), e.key === 'Enter'))
			e.preventDefault();
		else if (moves[e.key]) {
			e.preventDefault();
			this.select(this.selected + moves[e.key], true);
		}
	}
}
