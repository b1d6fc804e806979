import { KoeElement, html, live, nothing } from '../lib/element.js';
import { t } from '../lib/words.js';

/** @typedef {import('../api-types').Schema} Schema */

/** `<koe-setting .setting=${...} wrong="...">`: one setting, to be changed. Tells `set` with the value, and `reset`. */
class KoeSetting extends KoeElement {
  static properties = { setting: { attribute: false }, wrong: {} };

  constructor() {
    super();
    /** @type {import('../api-types').Setting | null} */
    this.setting = null;
    this.wrong = '';
  }

  render() {
    const setting = this.setting;
    if (!setting) return nothing;
    return html`<div class="setting">
      <div class="grow">
        <label for=${setting.name}>${setting.description || setting.name}</label>
        ${setting.pending ? html`<span class="mark warn">${t('settings.next_start')}</span>` : nothing}
        <p class="about" id="${setting.name}-about"><code>${setting.name}</code></p>
        ${this.wrong ? html`<p class="small bad-text" role="alert">${this.wrong}</p>` : nothing}
      </div>
      <div class="row">
        ${this.control(setting.name, kindOf(setting.json_schema), setting.pending ? setting.next_value : setting.value)}
        ${setting.changed
          ? html`<button class="button quiet small" @click=${() => this.tell('reset')}
              aria-label="${t('settings.reset')} ${setting.name}">${t('settings.reset')}</button>`
          : nothing}
      </div>
    </div>`;
  }

  /** @param {string} name @param {{schema: Schema, optional: boolean}} kind @param {unknown} value */
  control(name, { schema, optional }, value) {
    const about = `${name}-about`;
    if (schema.type === 'boolean') {
      return html`<input type="checkbox" class="tick" id=${name} aria-describedby=${about} .checked=${live(value === true)}
        @change=${(/** @type {Event} */ event) => this.tell('set', /** @type {HTMLInputElement} */ (event.target).checked)}>`;
    }
    if (schema.enum) {
      const choices = optional ? [null, ...schema.enum] : schema.enum;
      return html`<select class="input" id=${name} aria-describedby=${about}
        @change=${(/** @type {Event} */ event) => this.tell('set', choices[/** @type {HTMLSelectElement} */ (event.target).selectedIndex])}>
        ${choices.map((each) => html`<option ?selected=${each === value}>${each ?? t('settings.none_chosen')}</option>`)}
      </select>`;
    }
    if (schema.type === 'integer' || schema.type === 'number') return this.input(name, 'number', optional, value);
    if (schema.type === 'string') return this.input(name, 'text', optional, value);
    return html`<textarea class="input mono" rows="4" id=${name} aria-describedby=${about} spellcheck="false"
      .value=${live(JSON.stringify(value, null, 1))} @change=${(/** @type {Event} */ event) => this.read(event)}></textarea>`;
  }

  /** @param {string} name @param {string} type @param {boolean} optional @param {unknown} value */
  input(name, type, optional, value) {
    return html`<input class="input" id=${name} type=${type} step="any" aria-describedby="${name}-about"
      aria-invalid=${this.wrong ? 'true' : 'false'} placeholder=${optional ? t('settings.none_chosen') : ''}
      .value=${live(value === null || value === undefined ? '' : String(value))}
      @change=${(/** @type {Event} */ event) => {
        const given = /** @type {HTMLInputElement} */ (event.target).value.trim();
        this.tell('set', given === '' && optional ? null : type === 'number' ? Number(given) : given);
      }}>`;
  }

  /** @param {Event} event */
  read(event) {
    try {
      this.tell('set', JSON.parse(/** @type {HTMLTextAreaElement} */ (event.target).value));
      this.wrong = '';
    } catch {
      this.wrong = t('settings.no_json');
    }
  }
}

/** The kind of value it takes, and whether it may have none. @param {Schema} schema */
function kindOf(schema) {
  const kinds = schema.anyOf ?? [schema];
  const filled = kinds.filter((each) => each.type !== 'null');
  return { schema: filled.length === 1 ? filled[0] : {}, optional: filled.length < kinds.length };
}

customElements.define('koe-setting', KoeSetting);
