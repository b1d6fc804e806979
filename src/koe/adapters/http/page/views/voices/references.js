import { remove, upload } from '../../api.js';
import '../../components/clips.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, sayError, withoutField } from '../../lib/notices.js';
import { t } from '../../lib/words.js';
import './reference.js';

/** `<koe-references .profile>`: the clips that a voice is made of. Tells `saved` with what the server answers. */
class KoeReferences extends KoeElement {
  static properties = { profile: { attribute: false }, transcribes: { type: Boolean } };

  constructor() {
    super();
    /** @type {import('../../api-types').Profile} */
    this.profile = /** @type {never} */ (null);
    this.transcribes = false;
    this.adding = false;
    this.busy = false;
    this.failure = '';
  }

  get clips() {
    return /** @type {import('../../components/clips.js').KoeClips | null} */ (this.querySelector('koe-clips'));
  }

  get path() {
    return `api/voices/${encodeURIComponent(this.profile.id)}/references`;
  }

  render() {
    const { references } = this.profile;
    return html`
      <h2>${t('voices.clips')}</h2>
      <ul class="list references">${repeat(references, (each, place) => `${place} ${each.file}`, (_, place) => html`<li>
        <koe-reference .profile=${this.profile} .place=${place} @discard=${this.discard}></koe-reference></li>`)}</ul>
      ${this.adding ? this.more() : html`<button class="button quiet flush" @click=${this.open}>${icon('plus', 18)}${t('voices.add_clip')}</button>`}`;
  }

  more() {
    return html`<div class="stack adding">
      <koe-clips .language=${this.profile.languages[0]} .transcribes=${this.transcribes} @change=${() => this.requestUpdate()}></koe-clips>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      <div class="row">
        <button class="button primary" ?disabled=${this.busy || !this.clips?.ready} @click=${() => void this.add('append')}>${t('voices.add_these')}</button>
        <button class="button" ?disabled=${this.busy || !this.clips?.ready} @click=${() => void this.add('replace')}>${t('voices.replace_these')}</button>
        <button class="button quiet" @click=${this.close}>${t('app.cancel')}</button>
      </div>
    </div>`;
  }

  open() {
    this.adding = true;
    this.requestUpdate();
  }

  close() {
    this.adding = false;
    this.failure = '';
    this.requestUpdate();
  }

  /** @param {'append' | 'replace'} mode */
  async add(mode) {
    if (!this.clips) return;
    this.busy = true;
    this.failure = '';
    this.requestUpdate();
    try {
      this.tell('saved', await upload(this.path, this.clips.form({ mode }), {}, this.gone));
      say(t('voices.saved'));
      this.close();
    } catch (error) {
      this.failure = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  /** @param {CustomEvent<number>} event */
  async discard({ detail: number }) {
    if (!(await sure(t('voices.remove_clip_sure', { number }), t('voices.remove')))) return;
    try {
      this.tell('saved', await remove(`${this.path}/${number}`));
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-references', KoeReferences);
