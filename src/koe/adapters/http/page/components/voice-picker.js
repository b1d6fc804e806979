import { KoeElement, html, ifDefined, live, nothing } from '../lib/element.js';
import { grouped, matches } from '../lib/voices.js';
import { t } from '../lib/words.js';
import { icon } from './icons.js';
import { voiceMark } from './voice-mark.js';

/** @typedef {import('../api-types').Voice} Voice */

let made = 0;

/** Pixels: to the edge of the window, below which the list opens upwards, and at the most. */
const [GAP, LOW, HIGH] = [12, 240, 400];

/** @type {Voice} */
const NOBODY = {
  id: '', name: '', languages: [], kind: null, engine: '', styles: [], description: '', tags: [],
  own: false, preset: false, state: 'ready', reason: null, problem: null,
};

/**
 * `<koe-voice-picker .voices=${[...]} value="espeak-en" label="Voice">`: a combobox that is searched by typing. It tells
 * `pick` with the voice's id; `''`, the house's own voice, is offered where `house` says what that is called.
 */
class KoeVoicePicker extends KoeElement {
  static properties = { voices: { attribute: false }, value: {}, label: {}, house: {} };

  constructor() {
    super();
    /** @type {Voice[]} */
    this.voices = [];
    this.value = '';
    this.label = '';
    this.house = '';
    this.open = false;
    this.looked = '';
    this.active = 0;
    this.name = `voice-picker-${++made}`;
    /** @type {import('../lib/voices.js').Group[]} */
    this.groups = [];
    /** @type {Voice[]} */
    this.options = [];
  }

  get chosen() {
    return this.voices.find((voice) => voice.id === this.value);
  }

  get shown() {
    return this.chosen?.name ?? (this.value || this.house);
  }

  /** What can be picked now, in the order in which it is shown. */
  sort() {
    const found = grouped(this.voices.filter((voice) => matches(voice, this.looked)));
    const house = { ...NOBODY, name: this.house };
    const first = this.house && matches(house, this.looked) ? [{ name: '', voices: [house] }] : [];
    this.groups = [...first, ...found];
    this.options = this.groups.flatMap((group) => group.voices);
  }

  render() {
    const open = this.open;
    return html`<div class="field">
      <label for=${this.name}>${this.label}</label>
      <input id=${this.name} class="input" role="combobox" autocomplete="off" spellcheck="false" aria-autocomplete="list"
        aria-expanded=${open} aria-controls="${this.name}-list"
        aria-activedescendant=${ifDefined(open && this.options.length > 0 ? `${this.name}-${this.active}` : undefined)}
        .value=${live(open ? this.looked : this.shown)} placeholder=${open ? this.shown : ''}
        @click=${this.begin} @input=${this.look} @keydown=${this.press} @blur=${this.end}>
      <span class="arrow">${icon('down', 18)}</span>
      <div id="${this.name}-list" class="choices" role="listbox" popover="manual" aria-label=${this.label}
        @pointerdown=${(/** @type {Event} */ event) => event.preventDefault()}>
        ${open ? this.list() : nothing}
      </div>
    </div>`;
  }

  list() {
    let place = 0;
    const groups = this.groups.map((group, number) => {
      const options = group.voices.map((voice) => this.option(voice, place++));
      if (!group.name) return options;
      const id = `${this.name}-group-${number}`;
      return html`<div role="group" aria-labelledby=${id}>
        <div class="group" id=${id}>${group.name}</div>${options}
      </div>`;
    });
    return place > 0 ? groups : html`<p class="none">${t('voice.none_found')}</p>`;
  }

  /** @param {Voice} voice @param {number} place */
  option(voice, place) {
    const chosen = voice.id === this.value;
    return html`<div role="option" id="${this.name}-${place}" aria-selected=${chosen}
      class=${place === this.active ? 'active' : ''} @click=${() => this.pick(voice)}>
      <span>${voice.name}</span>${voiceMark(voice)}
    </div>`;
  }

  connectedCallback() {
    super.connectedCallback();
    const options = { signal: this.gone, capture: true };
    for (const name of ['scroll', 'resize']) window.addEventListener(name, () => this.place(), options);
  }

  /** What is open shows how the voices are now. @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!this.open || !changed.has('voices')) return;
    const active = this.options[this.active]?.id;
    this.sort();
    this.active = Math.max(0, this.options.findIndex((voice) => voice.id === active));
  }

  updated() {
    const list = /** @type {HTMLElement} */ (this.querySelector('.choices'));
    if (this.open) list.showPopover();
    else list.hidePopover();
    this.place();
  }

  /** Below the field, or above it where there is more room: over everything, also out of a dialog. */
  place() {
    const list = /** @type {HTMLElement | null} */ (this.querySelector('.choices'));
    const field = this.querySelector('input')?.getBoundingClientRect();
    if (!this.open || !list || !field) return;
    const room = { below: innerHeight - field.bottom - GAP, above: field.top - GAP };
    const up = room.below < LOW && room.above > room.below;
    list.style.left = `${field.left}px`;
    list.style.width = `${field.width}px`;
    list.style.maxHeight = `${Math.min(HIGH, up ? room.above : room.below)}px`;
    list.style.top = up ? 'auto' : `${field.bottom + 4}px`;
    list.style.bottom = up ? `${innerHeight - field.top + 4}px` : 'auto';
  }

  begin() {
    if (this.open) return;
    this.open = true;
    this.looked = '';
    this.sort();
    this.active = Math.max(0, this.options.findIndex((voice) => voice.id === this.value));
    this.requestUpdate();
    void this.updateComplete.then(() => this.showActive());
  }

  end() {
    this.open = false;
    this.looked = '';
    this.requestUpdate();
  }

  /** @param {Voice} voice */
  pick(voice) {
    this.end();
    this.value = voice.id;
    this.tell('pick', voice.id);
  }

  /** @param {InputEvent} event */
  look(event) {
    const typed = /** @type {HTMLInputElement} */ (event.target).value;
    if (!this.open) this.begin();
    this.looked = typed;
    this.active = 0;
    this.sort();
    this.requestUpdate();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const last = this.options.length - 1;
    /** @type {{[key: string]: number}} */
    const steps = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + 8, PageUp: this.active - 8 };
    if (event.key in steps) {
      event.preventDefault();
      if (this.open) this.active = Math.min(last, Math.max(0, steps[event.key]));
      else this.begin();
    } else if (event.key === 'Enter' && this.open) {
      event.preventDefault();
      const voice = this.options[this.active];
      if (voice) this.pick(voice);
    } else if (event.key === 'Escape' && this.open) {
      event.preventDefault();
      this.end();
    } else {
      return;
    }
    this.requestUpdate();
    void this.updateComplete.then(() => this.showActive());
  }

  showActive() {
    this.querySelector('.active')?.scrollIntoView({ block: 'nearest' });
  }
}

customElements.define('koe-voice-picker', KoeVoicePicker);
