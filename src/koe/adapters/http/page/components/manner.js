import { KoeElement, html, live, nothing } from '../lib/element.js';
import { t } from '../lib/words.js';

/** `<koe-manner .voice=${voice} .draft=${draft}>`: how it is said, which only a model understands. It writes into the draft. */
class KoeManner extends KoeElement {
  static properties = { voice: { attribute: false }, draft: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../api-types').Voice | undefined} */
    this.voice = undefined;
    /** @type {{style: string, instructions: string, seed: string} | null} */
    this.draft = null;
  }

  render() {
    const draft = this.draft;
    if (!draft) return nothing;
    if (this.voice?.engine !== 'qwen') return html`<p class="small quiet">${t('speak.manner_needs')}</p>`;
    return html`<div class="grid">
      <div class="field">
        <label for="speak-style">${t('speak.style')}</label>
        <select id="speak-style" class="input" ?disabled=${this.voice.styles.length === 0} @change=${this.change('style')}>
          <option value="">${t('speak.no_style')}</option>
          ${this.voice.styles.map((name) => html`<option value=${name} ?selected=${name === draft.style}>${name}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="speak-instructions">${t('speak.instructions')}</label>
        <input id="speak-instructions" class="input" .value=${live(draft.instructions)} maxlength="4096"
          placeholder=${t('speak.instructions_example')} @input=${this.change('instructions')}>
      </div>
      <div class="field">
        <label for="speak-seed">${t('speak.seed')}</label>
        <input id="speak-seed" class="input" type="number" min="0" step="1" .value=${live(draft.seed)}
          placeholder=${t('speak.seed_random')} aria-describedby="seed-hint" @input=${this.change('seed')}>
        <p class="hint" id="seed-hint">${t('speak.seed_hint')}</p>
      </div>
    </div>`;
  }

  /** @param {'style' | 'instructions' | 'seed'} name */
  change(name) {
    return (/** @type {Event} */ event) => {
      if (this.draft) this.draft[name] = /** @type {HTMLInputElement} */ (event.target).value;
    };
  }
}

customElements.define('koe-manner', KoeManner);
