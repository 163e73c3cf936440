// The span in view: one for all tracks, kept in the address as #t=<from>-<to>, in ms.

const SMALLEST_NS = 40e3;
const HASH = /^#t=(-?[\d.]+)-([\d.]+)$/;

class View {
  constructor(window) {
    this.window = window;
    this.from = 0;
    this.to = window;
    this.listeners = [];
    this.frame = 0;
    this.timer = 0;
  }

  get span() {
    return this.to - this.from;
  }

  get isWhole() {
    return this.from <= 0 && this.to >= this.window;
  }

  // Moves into the window; tracks are drawn at the next frame, however often this is called.
  set(from, to, {keepsAddress = false} = {}) {
    const span = Math.min(this.window, Math.max(SMALLEST_NS, to - from));
    const middle = (from + to) / 2;
    this.from = Math.max(0, Math.min(this.window - span, middle - span / 2));
    this.to = this.from + span;
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.listeners.forEach((listener) => listener());
      });
    }
    if (keepsAddress) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, '', this.hash), 150);
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }

  pan(part) {
    this.set(this.from + part * this.span, this.to + part * this.span);
  }

  // With some of what is before and after, so that a stretch is seen in its place.
  show(from, to) {
    const margin = (to - from) * 0.6;
    this.set(from - margin, to + margin);
  }

  showAll() {
    this.set(0, this.window);
  }

  get hash() {
    if (this.isWhole) return '#timeline';
    return `#t=${(this.from / 1e6).toFixed(4)}-${(this.to / 1e6).toFixed(4)}`;
  }

  // Whether the address names a span.
  readHash() {
    const found = HASH.exec(location.hash);
    if (found) this.set(Number(found[1]) * 1e6, Number(found[2]) * 1e6, {keepsAddress: true});
    return Boolean(found);
  }
}
