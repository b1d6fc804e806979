import { KoeElement, html, nothing } from '../lib/element.js';
import { spoken } from '../lib/voices.js';
import { t } from '../lib/words.js';

/** @param {string} tag */
const base = (tag) => tag.split('-')[0];

/**
 * `<koe-languages .value=${['de-DE', 'en-US']} .offered=${[...]}>`: what a voice speaks best, and what else. Tells
 * `change` with the tags, the best first.
 */
class KoeLanguages extends KoeElement {
  static properties = { value: { attribute: false }, offered: { attribute: false } };

  constructor() {
    super();
    /** @type {string[]} */
    this.value = [];
    /** @type {string[]} */
    this.offered = [];
  }

  /** Those of the voice, and one of each other language. */
  get all() {
    const own = new Set(this.value.map(base));
    return [...this.value, ...this.offered.filter((tag) => !own.has(base(tag)))]
      .sort((one, other) => spoken(one).localeCompare(spoken(other)));
  }

  render() {
    const [best, ...others] = this.value;
    const all = this.all;
    if (all.length < 2) return nothing;
    return html`<div class="stack">
      <div class="field">
        <label for="best-language">${t('voices.best_language')}</label>
        <select id="best-language" class="input" @change=${this.choose}>
          ${all.map((tag) => html`<option value=${tag} ?selected=${tag === best}>${spoken(tag)}</option>`)}
        </select>
      </div>
      <fieldset class="field">
        <legend>${t('voices.other_languages')}</legend>
        <div class="choices-row">${all.filter((tag) => tag !== best).map((tag) => html`<label class="check small">
          <input type="checkbox" .checked=${others.includes(tag)} @change=${(/** @type {Event} */ event) =>
            this.mark(tag, /** @type {HTMLInputElement} */ (event.target).checked)}>${spoken(tag)}</label>`)}</div>
      </fieldset>
    </div>`;
  }

  /** @param {Event} event */
  choose(event) {
    event.stopPropagation();
    const best = /** @type {HTMLSelectElement} */ (event.target).value;
    this.use([best, ...this.value.filter((tag) => tag !== best)]);
  }

  /** @param {string} tag @param {boolean} on */
  mark(tag, on) {
    this.use(on ? [...this.value, tag] : this.value.filter((each) => each !== tag));
  }

  /** @param {string[]} value */
  use(value) {
    this.value = value;
    this.tell('change', value);
  }
}

customElements.define('koe-languages', KoeLanguages);
