// The fields of a production's form: fields(list, values, changed).
import { html, nothing } from '../../lib/element.js';
import { languageName, t } from '../../lib/words.js';

const HINTED = ['hurry', 'seed', 'loudness', 'book', 'keep', 'sample', 'whole', 'follow_directions'];

/** @typedef {import('./kinds.js').Field} Field */

/**
 * @param {Field[]} list @param {import('./kinds.js').Values} values
 * @param {(name: string, value: string | boolean) => void} changed
 */
export function fields(list, values, changed) {
  return list.map((field) => {
    const id = `production-${field.name}`;
    const hint = HINTED.includes(field.name) ? html`<p class="hint" id="${id}-hint">${t(`productions.hint_${field.name}`)}</p>` : nothing;
    if (field.type === 'check') {
      return html`<div class="field"><label class="check">
        <input type="checkbox" id=${id} .checked=${values[field.name] === true}
          @change=${(/** @type {Event} */ event) => changed(field.name, /** @type {HTMLInputElement} */ (event.target).checked)}>
        ${t(`productions.field_${field.name}`)}</label>${hint}</div>`;
    }
    return html`<div class="field">
      <label for=${id}>${t(`productions.field_${field.name}`)}</label>
      ${field.type === 'select' ? select(field, id, values, changed) : input(field, id, values, changed)}${hint}
    </div>`;
  });
}

/** @param {Field} field @param {string} id @param {import('./kinds.js').Values} values @param {(name: string, value: string) => void} changed */
function input({ name, type, min, max, step, usual }, id, values, changed) {
  return html`<input class="input" id=${id} type=${type} min=${min ?? nothing} max=${max ?? nothing} step=${step ?? nothing}
    maxlength=${type === 'text' ? 200 : nothing} placeholder=${usual ?? ''} .value=${String(values[name] ?? '')}
    aria-describedby=${HINTED.includes(name) ? `${id}-hint` : nothing}
    @input=${(/** @type {Event} */ event) => changed(name, /** @type {HTMLInputElement} */ (event.target).value)}>`;
}

/** @param {Field} field @param {string} id @param {import('./kinds.js').Values} values @param {(name: string, value: string) => void} changed */
function select({ name, choices }, id, values, changed) {
  return html`<select class="input" id=${id} aria-describedby=${HINTED.includes(name) ? `${id}-hint` : nothing}
    @change=${(/** @type {Event} */ event) => changed(name, /** @type {HTMLSelectElement} */ (event.target).value)}>
    ${(choices ?? []).map((each) => html`<option value=${each} ?selected=${each === (values[name] ?? '')}>
      ${name === 'language' ? languageName(each) : each.toUpperCase() || t('productions.none')}
    </option>`)}
  </select>`;
}
