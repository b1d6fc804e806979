// Pieces that are moved and cut, by pointer and by keys. What can be held has data-grip (move, start, end) and data-key.
import { cut, endOf, find, moved, snapped } from '../../lib/timeline.js';

/** @typedef {import('../../lib/timeline.js').Lane} Lane */

const STEP = 0.1;
const LARGE_STEP = 1;
/** Pixels: nearer than that is meant to be there; and less than half of it is no drag. */
const NEAR = 8;

export class Grips {
  /** @param {import('./timeline.js').KoeTimeline} host */
  constructor(host) {
    this.host = host;
    /** @type {{grip: string, key: number, base: Lane[], x: number, y: number, far: boolean} | null} */
    this.held = null;
  }

  /** @param {PointerEvent} event */
  grab(event) {
    const found = gripOf(event);
    if (!found || event.button !== 0) return;
    // With a finger, the first touch chooses: what isn't chosen is scrolled over.
    const chooses = event.pointerType === 'touch' && found.key !== this.host.selected;
    found.element.focus({ preventScroll: true });
    if (chooses) return;
    event.preventDefault();
    // Not by the piece itself, which is made anew in another lane.
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    this.held = { ...found, base: this.host.lanes, x: event.clientX, y: event.clientY, far: false };
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const { held, host } = this;
    if (!held) return;
    held.far ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > NEAR / 2;
    if (held.far) host.edit(this.dragged(held, event), '', false);
  }

  /** @param {NonNullable<Grips['held']>} held @param {PointerEvent} event */
  dragged({ grip, key, base, x }, event) {
    const { host } = this;
    const piece = find(base, key)?.piece;
    if (!piece) return base;
    const by = (event.clientX - x) / host.zoom;
    if (grip === 'start' || grip === 'end') return cut(base, key, grip, (grip === 'start' ? piece.start : endOf(piece)) + by);
    const tops = [...host.querySelectorAll('.lane')].map((lane) => lane.getBoundingClientRect().top);
    const lane = Math.max(0, tops.findLastIndex((top) => top <= event.clientY));
    return moved(base, key, snapped(base, piece, piece.start + by, NEAR / host.zoom, host.at), lane);
  }

  drop() {
    const { held, host } = this;
    this.held = null;
    if (!held?.far) return;
    host.edit(host.lanes, '', true);
    host.focusPiece();
  }

  /** Back to where it was. */
  letGo() {
    if (this.held?.far) this.host.edit(this.held.base, '', false);
    this.held = null;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const found = gripOf(event);
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') this.letGo();
    const step = event.shiftKey ? LARGE_STEP : STEP;
    /** @type {{[key: string]: [number, number]}} Seconds and lanes. */
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (!way || this.held) return;
    event.preventDefault();
    this.step(found, ...way);
  }

  /** @param {{grip: string, key: number}} found @param {number} by @param {number} across */
  step({ grip, key }, by, across) {
    const { host } = this;
    const at = find(host.lanes, key);
    if (!at) return;
    const { piece, lane } = at;
    if (grip === 'start' || grip === 'end') {
      if (by) host.edit(cut(host.lanes, key, grip, (grip === 'start' ? piece.start : endOf(piece)) + by), `${grip} ${key}`, true);
    } else if (host.lanes[lane + across]) {
      host.edit(moved(host.lanes, key, piece.start + by, lane + across), `move ${key}`, true);
      if (across) host.focusPiece();
    }
  }
}

/** @param {Event} event */
function gripOf(event) {
  const element = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('[data-grip]'));
  return element ? { element, grip: element.dataset.grip ?? '', key: Number(element.dataset.key) } : null;
}
