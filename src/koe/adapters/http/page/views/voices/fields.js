// Fields of a voice that are numbers.
import { html, live } from '../../lib/element.js';
import { t } from '../../lib/words.js';

/** @typedef {import('../../api-types').Profile} Profile */

/** Of a model's voice: what few will ever touch. @param {Profile} profile @param {(fields: Partial<Profile>) => void} use */
export function advanced(profile, use) {
  const { sampling } = profile;
  /** @param {keyof Profile['sampling']} name @param {number} most @param {string} step */
  const drawn = (name, most, step) =>
    figure(`sampling-${name}`, t(`voices.${name}`), sampling[name], most, step, (value) => use({ sampling: { ...sampling, [name]: value } }));
  return html`<details class="more">
    <summary>${t('voices.advanced')}</summary>
    <div class="grid">
      ${figure('voice-seed', t('speak.seed'), profile.seed, Number.MAX_SAFE_INTEGER, '1', (seed) => use({ seed }), t('speak.seed_random'))}
      <div class="field">
        <label for="voice-size">${t('voices.size')}</label>
        <select id="voice-size" class="input" @change=${(/** @type {Event} */ event) => use({ size: /** @type {HTMLSelectElement} */ (event.target).value || null })}>
          <option value="">${t('voices.as_settings')}</option>
          ${['0.6B', '1.7B'].map((size) => html`<option value=${size} ?selected=${size === profile.size}>${size}</option>`)}
        </select>
      </div>
      ${drawn('temperature', 2, '0.05')} ${drawn('top_k', 1000, '1')} ${drawn('top_p', 1, '0.05')} ${drawn('repetition_penalty', 2, '0.05')}
    </div>
  </details>`;
}

/** @param {string} id @param {string} label @param {number | null} value @param {number} most @param {string} step
 * @param {(value: number | null) => void} use @param {string} [empty] */
function figure(id, label, value, most, step, use, empty = t('voices.as_settings')) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} class="input" type="number" min="0" max=${most} step=${step} placeholder=${empty} .value=${live(value === null ? '' : String(value))}
      @change=${(/** @type {Event} */ event) => {
        const written = /** @type {HTMLInputElement} */ (event.target).value;
        use(written === '' ? null : Number(written));
      }}>
  </div>`;
}
