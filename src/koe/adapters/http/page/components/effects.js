import { KoeElement, html } from '../lib/element.js';
import { number, t } from '../lib/words.js';
import { icon } from './icons.js';

/** @typedef {{effect: string} & {[name: string]: number | boolean | string}} Effect */
/** @typedef {{from: number, to: number, step: number, begins: number}} Range */

/** The effects there are, and within which bounds: as the server has them. @type {{[effect: string]: {[name: string]: Range | boolean}}} */
export const EFFECTS = {
  pitch: { semitones: { from: -12, to: 12, step: 0.5, begins: -2 }, keep_formants: false },
  speed: { factor: { from: 0.5, to: 2, step: 0.05, begins: 1.15 } },
  reverb: {
    size: { from: 0, to: 0.9, step: 0.05, begins: 0.5 },
    damping: { from: 0, to: 1, step: 0.05, begins: 0.5 },
    wet: { from: 0, to: 1, step: 0.05, begins: 0.2 },
  },
  low_shelf: { hertz: { from: 40, to: 1000, step: 10, begins: 200 }, gain: { from: -24, to: 24, step: 1, begins: 4 } },
  high_shelf: { hertz: { from: 1000, to: 12000, step: 100, begins: 4000 }, gain: { from: -24, to: 24, step: 1, begins: 4 } },
  gain: { db: { from: -24, to: 24, step: 1, begins: 3 } },
};
const MOST = 13;

/** `<koe-effects .chain=${[{effect: 'gain', db: 3}]}>`: what is put on a voice, in its order. Tells `change` with the chain. */
class KoeEffects extends KoeElement {
  static properties = { chain: { attribute: false } };

  constructor() {
    super();
    /** @type {Effect[]} */
    this.chain = [];
  }

  render() {
    return html`<fieldset class="field">
      <legend>${t('effects.title')}</legend>
      <ul class="list effects">${this.chain.map((effect, place) => this.effect(effect, place))}</ul>
      <div class="row">
        <label class="unseen" for="add-effect">${t('effects.add')}</label>
        <select id="add-effect" class="input narrow" ?disabled=${this.chain.length >= MOST} @change=${this.add}>
          <option value="">${t('effects.add')}</option>
          ${Object.keys(EFFECTS).map((name) => html`<option value=${name}>${t(`effects.${name}`)}</option>`)}
        </select>
      </div>
    </fieldset>`;
  }

  /** @param {Effect} effect @param {number} place */
  effect(effect, place) {
    const name = t(`effects.${effect.effect}`);
    const values = Object.entries(EFFECTS[effect.effect] ?? {});
    return html`<li>
      <span class="name">${name}</span>
      <div class="grow row">
        ${values.map(([value, range]) =>
          typeof range === 'boolean' ? this.check(effect, place, value) : this.slider(effect, place, value, range),
        )}
      </div>
      <button type="button" class="button quiet icon small" @click=${() => this.drop(place)}
        aria-label=${t('effects.remove', { name })}>${icon('close', 16)}</button>
    </li>`;
  }

  /** @param {Effect} effect @param {number} place @param {string} name @param {Range} range */
  slider(effect, place, name, { from, to, step }) {
    const value = Number(effect[name]);
    return html`<label class="slider">
      <span class="small">${t(`effects.${name}`)}</span>
      <span class="small value">${number(value)}</span>
      <input class="range" type="range" min=${from} max=${to} step=${step} .value=${String(value)}
        aria-label="${t(`effects.${effect.effect}`)}: ${t(`effects.${name}`)}"
        @input=${(/** @type {Event} */ event) =>
          this.change(place, name, Number(/** @type {HTMLInputElement} */ (event.target).value))}>
    </label>`;
  }

  /** @param {Effect} effect @param {number} place @param {string} name */
  check(effect, place, name) {
    return html`<label class="check small">
      <input type="checkbox" .checked=${Boolean(effect[name])}
        @change=${(/** @type {Event} */ event) =>
          this.change(place, name, /** @type {HTMLInputElement} */ (event.target).checked)}>
      ${t(`effects.${name}`)}
    </label>`;
  }

  /** @param {Event} event */
  add(event) {
    event.stopPropagation();
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const values = Object.entries(EFFECTS[select.value] ?? {});
    if (values.length === 0) return;
    const begins = values.map(([name, range]) => [name, typeof range === 'boolean' ? range : range.begins]);
    this.use([...this.chain, { effect: select.value, ...Object.fromEntries(begins) }]);
    select.value = '';
  }

  /** @param {number} place @param {string} name @param {number | boolean} value */
  change(place, name, value) {
    this.use(this.chain.map((effect, at) => (at === place ? { ...effect, [name]: value } : effect)));
  }

  /** @param {number} place */
  drop(place) {
    this.use(this.chain.filter((_, at) => at !== place));
  }

  /** @param {Effect[]} chain */
  use(chain) {
    this.chain = chain;
    this.tell('change', chain);
  }
}

customElements.define('koe-effects', KoeEffects);
