// A number that is dragged: `slider('Volume (dB)', 0, { from: -60, to: 24, step: 1 }, (value) => …)`.
import { html, live } from '../lib/element.js';
import { number } from '../lib/words.js';

/** @param {string} label @param {number} value @param {{from: number, to: number, step: number}} range @param {(value: number) => void} use */
export function slider(label, value, { from, to, step }, use) {
  return html`<label class="slider">
    <span class="small">${label}</span><output class="small">${number(value)}</output>
    <input class="range" type="range" aria-label=${label} min=${from} max=${to} step=${step} .value=${live(String(value))}
      @input=${(/** @type {Event} */ event) => use(Number(/** @type {HTMLInputElement} */ (event.target).value))}>
  </label>`;
}
