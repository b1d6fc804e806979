import { ask, address, patch, upload } from '../../api.js';
import { icon } from '../../components/icons.js';
import '../../components/player.js';
import { KoeElement, html, live, nothing } from '../../lib/element.js';
import { say, withoutField } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

/** `<koe-reference .profile .place=${0}>`: a clip of a voice, and what is said in it. Tells `saved`, and `discard`. */
class KoeReference extends KoeElement {
  static properties = { profile: { attribute: false }, place: { type: Number } };

  constructor() {
    super();
    /** @type {import('../../api-types').Profile} */
    this.profile = /** @type {never} */ (null);
    this.place = 0;
    /** @type {string | null} What is written here, where it isn't saved. */
    this.written = null;
    this.busy = false;
    this.wrong = '';
  }

  get reference() {
    return this.profile.references[this.place];
  }

  get path() {
    return `api/voices/${encodeURIComponent(this.profile.id)}/references/${this.place + 1}`;
  }

  render() {
    const { file, duration, transcript } = this.reference;
    const number = this.place + 1;
    // The file's name is its content's: another clip at the same place is another source.
    return html`
      <div class="row">
        <koe-player eager .src=${`${address(this.path)}#${file}`} .label=${t('voices.clip_number', { number })} .duration=${duration}></koe-player>
        ${this.profile.references.length > 1 ? html`<button type="button" class="button quiet icon small"
          aria-label=${t('voices.remove_clip', { number })} @click=${() => this.tell('discard', number)}>${icon('bin', 16)}</button>` : nothing}
      </div>
      <div class="field">
        <label for="said-${number}">${t('voices.transcript')}</label>
        <textarea id="said-${number}" class="input short" rows="1" .value=${live(this.written ?? transcript)} @input=${this.write}></textarea>
        ${this.wrong ? html`<p class="wrong" role="alert">${this.wrong}</p>` : nothing}
      </div>
      ${this.foot(transcript)}`;
  }

  /** @param {string} transcript */
  foot(transcript) {
    const changed = this.written !== null && this.written !== transcript;
    if (!changed && transcript) return nothing;
    return html`<div class="row">
      ${changed ? html`<button type="button" class="button small" ?disabled=${this.busy}
        aria-label="${t('voices.save')}: ${t('voices.clip_number', { number: this.place + 1 })}" @click=${() => void this.save()}>${t('voices.save')}</button>` : nothing}
      <button type="button" class="button quiet small ${changed ? '' : 'flush'}" ?disabled=${this.busy} @click=${() => void this.listen()}>
        ${this.busy ? t('voices.listening') : t('voices.write')}</button>
    </div>`;
  }

  /** @param {Event} event */
  write(event) {
    this.written = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this.requestUpdate();
  }

  async save() {
    const transcripts = this.profile.references.map((each, place) => (place === this.place ? (this.written ?? '') : each.transcript));
    await this.doing(async () => {
      const made = await patch(`api/voices/${encodeURIComponent(this.profile.id)}`, { transcripts });
      this.profile = made.profile;
      this.written = null;
      this.tell('saved', made);
      say(t('voices.saved'));
    });
  }

  /** Asks the speech-to-text server. */
  async listen() {
    await this.doing(async () => {
      const form = new FormData();
      form.append('audio', await (await ask(this.path, { signal: this.gone })).blob(), 'clip.wav');
      form.append('language', this.profile.languages[0]);
      this.written = (await upload('api/voices/transcribe', form, {}, this.gone)).text;
    });
  }

  /** @param {() => Promise<void>} work */
  async doing(work) {
    this.busy = true;
    this.wrong = '';
    this.requestUpdate();
    try {
      await work();
    } catch (error) {
      this.wrong = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-reference', KoeReference);
