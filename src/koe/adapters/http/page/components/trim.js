import { KoeElement, html } from '../lib/element.js';
import { number, t } from '../lib/words.js';
import './waveform.js';

/** Seconds: less tells nothing of a voice. */
const LEAST = 0.5;
const STEP = 0.1;
const LARGE_STEP = 1;

/**
 * `<koe-trim .peaks=${[...]} .duration=${12.5} .start=${0} .end=${12.5} .at=${3}>`: a waveform with a handle at each end
 * of what is meant; both are sliders. Tells `trim` with `{start, end}` while they move, `trimmed` once they stand, and
 * `seek` with a share of the whole where the waveform itself was pressed.
 */
class KoeTrim extends KoeElement {
  static properties = {
    peaks: { attribute: false },
    duration: { type: Number },
    start: { type: Number },
    end: { type: Number },
    at: { type: Number },
    label: {},
  };

  constructor() {
    super();
    /** @type {number[]} */
    this.peaks = [];
    this.duration = 0;
    this.start = 0;
    this.end = 0;
    this.at = 0;
    this.label = '';
  }

  updated() {
    const share = (/** @type {number} */ seconds) => String(this.duration ? seconds / this.duration : 0);
    this.style.setProperty('--from', share(this.start));
    this.style.setProperty('--to', share(this.end));
  }

  render() {
    return html`
      <koe-waveform seekable .label=${this.label} .peaks=${this.peaks} .duration=${this.duration}
        .progress=${this.duration ? this.at / this.duration : 0}></koe-waveform>
      <div class="cut before"></div><div class="cut after"></div>
      ${this.handle('start')}${this.handle('end')}`;
  }

  /** @param {'start' | 'end'} which */
  handle(which) {
    const value = this[which];
    const [least, most] = this.bounds(which);
    return html`<div class="handle ${which}" role="slider" tabindex="0" aria-label=${t(`voices.trim_${which}`)}
      aria-valuemin=${least.toFixed(1)} aria-valuemax=${most.toFixed(1)} aria-valuenow=${value.toFixed(1)}
      aria-valuetext=${t('voices.seconds', { seconds: number(value, { maximumFractionDigits: 1 }) })}
      @pointerdown=${this.grab} @pointermove=${(/** @type {PointerEvent} */ event) => this.drag(event, which)}
      @pointerup=${this.drop} @keydown=${(/** @type {KeyboardEvent} */ event) => this.press(event, which)}></div>`;
  }

  /** @param {'start' | 'end'} which */
  bounds(which) {
    return which === 'start' ? [0, Math.max(0, this.end - LEAST)] : [Math.min(this.duration, this.start + LEAST), this.duration];
  }

  /** @param {PointerEvent} event */
  grab(event) {
    const handle = /** @type {HTMLElement} */ (event.currentTarget);
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    event.preventDefault();
  }

  /** @param {PointerEvent} event @param {'start' | 'end'} which */
  drag(event, which) {
    if (!(/** @type {HTMLElement} */ (event.currentTarget).hasPointerCapture(event.pointerId))) return;
    const { left, width } = this.getBoundingClientRect();
    this.move(which, ((event.clientX - left) / width) * this.duration);
  }

  drop() {
    this.tell('trimmed');
  }

  /** @param {KeyboardEvent} event @param {'start' | 'end'} which */
  press(event, which) {
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const value = this[which];
    /** @type {{[key: string]: number}} */
    const targets = {
      ArrowLeft: value - step, ArrowDown: value - step, ArrowRight: value + step, ArrowUp: value + step,
      PageDown: value - LARGE_STEP, PageUp: value + LARGE_STEP, Home: 0, End: this.duration,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.move(which, targets[event.key]);
    this.tell('trimmed');
  }

  /** @param {'start' | 'end'} which @param {number} seconds */
  move(which, seconds) {
    const [least, most] = this.bounds(which);
    this[which] = Math.min(most, Math.max(least, seconds));
    this.tell('trim', { start: this.start, end: this.end });
  }
}

customElements.define('koe-trim', KoeTrim);
