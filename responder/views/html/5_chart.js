// SPDX-License-Identifier: Apache-2.0
// Records over time, by class. Its range is a filter, too: what is zoomed to is what is listed.

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 3e7, 6e7, 3e8, 6e8,
	18e8, 36e8, 108e8, 216e8, 864e8, 6048e8, 2592e9, 31536e9]; // microseconds
const BAR = 4, AXIS = 16;

class Chart {
	// onrange(): the range has changed. onpick(time): somebody pointed there.
	constructor(canvas, onrange, onpick) {
		Object.assign(this, { canvas, onrange, onpick, rows: [], drag: null });
		canvas.addEventListener('pointerdown', e => this.press(e));
		canvas.addEventListener('pointermove', e => this.move(e));
		canvas.addEventListener('pointerup', e => this.release(e));
		canvas.addEventListener('dblclick', () => this.setRange(...this.whole));
		canvas.addEventListener('wheel', e => this.wheel(e), { passive: false });
		canvas.addEventListener('keydown', e => this.key(e));
		new ResizeObserver(() => this.draw()).observe(canvas);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
	}

	setWhole(first, last) {
		this.whole = [first, Math.max(last, first + 1)];
		[this.from, this.to] = this.whole;
	}

	isWhole() {
		return this.from <= this.whole[0] && this.to >= this.whole[1];
	}

	setRange(from, to) {
		const [a, b] = this.whole, width = Math.min(Math.max(to - from, 10), b - a);

		this.from = Math.min(Math.max(from, a), b - width);
		this.to = this.from + width;
		this.onrange();
	}

	zoom(factor, at = (this.from + this.to) / 2) {
		this.setRange(at - (at - this.from) * factor, at + (this.to - at) * factor);
	}

	pan(part) {
		const by = (this.to - this.from) * part;

		this.setRange(this.from + by, this.to + by);
	}

	timeAt(x) {
		return this.from + (this.to - this.from) * Math.min(Math.max(x / this.canvas.clientWidth, 0), 1);
	}

	xOf(time) {
		return (time - this.from) / (this.to - this.from) * this.canvas.clientWidth;
	}

	press(e) {
		this.drag = { from: e.offsetX, to: e.offsetX };
		this.canvas.setPointerCapture(e.pointerId);
	}

	move(e) {
		if (!this.drag)
			return;
		this.drag.to = e.offsetX;
		this.draw();
	}

	release() {
		const drag = this.drag;

		this.drag = null;
		if (!drag)
			return;
		const [a, b] = [drag.from, drag.to].sort((x, y) => x - y);

		if (b - a > 4)
			this.setRange(this.timeAt(a), this.timeAt(b));
		else
			this.onpick(this.timeAt(a));
	}

	wheel(e) {
		e.preventDefault();
		if (Math.abs(e.deltaX) > Math.abs(e.deltaY))
			this.pan(Math.sign(e.deltaX) * 0.1);
		else
			this.zoom(e.deltaY > 0 ? 1.25 : 0.8, this.timeAt(e.offsetX));
	}

	key(e) {
		const actions = {
			'+': () => this.zoom(0.5), '=': () => this.zoom(0.5), '-': () => this.zoom(2),
			0: () => this.setRange(...this.whole), ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2),
		};

		if (!actions[e.key] || e.ctrlKey || e.metaKey || e.altKey)
			return;
		e.preventDefault();
		actions[e.key]();
	}

	// rows: indexes of the records to draw, of any time.
	setRows(rows) {
		this.rows = rows;
		this.draw();
	}

	count(bars) {
		const counts = new Uint32Array(bars * CLASSES.length), lost = new Uint8Array(bars);
		const classOf = data.kinds.map(k => CLASSES.indexOf(k.class)), isLoss = data.kinds.map(k => k.name === 'LOSS');
		const scale = bars / (this.to - this.from);

		for (const i of this.rows) {
			const t = data.time[i];

			if (t < this.from || t > this.to)
				continue;
			const bar = Math.min(bars - 1, Math.floor((t - this.from) * scale));

			counts[bar * CLASSES.length + classOf[data.kind[i]]]++;
			lost[bar] |= isLoss[data.kind[i]];
		}
		return { counts, lost };
	}

	draw() {
		const { clientWidth: w, clientHeight: h } = this.canvas, ratio = devicePixelRatio || 1;

		if (!w || !this.whole)
			return;
		this.canvas.width = w * ratio;
		this.canvas.height = h * ratio;
		const g = this.canvas.getContext('2d'), style = getComputedStyle(this.canvas);

		g.scale(ratio, ratio);
		this.drawAxis(g, style, w, h);
		this.drawBars(g, style, w, h - AXIS);
		if (this.drag) {
			g.fillStyle = style.getPropertyValue('--selection');
			g.fillRect(Math.min(this.drag.from, this.drag.to), 0, Math.abs(this.drag.to - this.drag.from), h - AXIS);
		}
	}

	drawBars(g, style, w, h) {
		const bars = Math.max(1, Math.floor(w / BAR)), { counts, lost } = this.count(bars), n = CLASSES.length;
		const colours = CLASSES.map(c => style.getPropertyValue('--' + c));
		let most = 1;

		for (let b = 0; b < bars; b++)
			most = Math.max(most, counts.subarray(b * n, b * n + n).reduce((x, y) => x + y));
		for (let b = 0; b < bars; b++) {
			let y = h;

			for (let c = 0; c < n; c++) {
				const count = counts[b * n + c];

				if (!count)
					continue;
				const height = Math.max(2, count / most * (h - 8));

				g.fillStyle = colours[c];
				g.fillRect(b * BAR, y - height, BAR - 1, height);
				y -= height;
			}
			if (lost[b]) {
				g.fillStyle = style.getPropertyValue('--bad');
				g.fillRect(b * BAR, 0, BAR - 1, 5);
			}
		}
	}

	drawAxis(g, style, w, h) {
		const width = this.to - this.from, step = STEPS.find(s => width / s <= w / 110) || width;

		g.font = '11px ' + style.fontFamily;
		g.textBaseline = 'bottom';
		for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
			const x = this.xOf(t);

			g.fillStyle = style.getPropertyValue('--line');
			g.fillRect(x, 0, 1, h - AXIS + 3);
			g.fillStyle = style.getPropertyValue('--dim');
			if (x < w - 60)
				g.fillText(this.label(t, step), x + 2, h);
		}
	}

	label(t, step) {
		if (step >= 864e8)
			return day(t);
		return clock(t).slice(0, step >= 1e6 ? 8 : step >= 1e3 ? 12 : 15);
	}
}
