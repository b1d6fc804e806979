import { address, remove, upload } from '../../api.js';
import { withoutField } from '../../audio/clip.js';
import '../../components/clips.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/player.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { say, sayError } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

/** `<koe-references .profile>`: the clips that a voice is made of. Tells `saved` with what the server answers. */
class KoeReferences extends KoeElement {
  static properties = { profile: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Profile} */
    this.profile = /** @type {never} */ (null);
    this.adding = false;
    this.busy = false;
    this.failure = '';
  }

  get clips() {
    return /** @type {import('../../components/clips.js').KoeClips | null} */ (this.querySelector('koe-clips'));
  }

  /** @param {number} number */
  path(number) {
    return `api/voices/${encodeURIComponent(this.profile.id)}/references/${number}`;
  }

  render() {
    const { references } = this.profile;
    return html`
      <h2>${t('voices.clips')}</h2>
      <ul class="list references">${references.map((each, place) => this.reference(each, place + 1, references.length))}</ul>
      ${this.adding ? this.more() : html`<button class="button quiet" @click=${this.open}>${icon('plus', 18)}${t('voices.add_clip')}</button>`}`;
  }

  /** @param {import('../../api-types').Reference} each @param {number} number @param {number} count */
  reference(each, number, count) {
    // The file's name is its content's: another clip at the same place is another address.
    const source = `${address(this.path(number))}#${each.file}`;
    return html`<li>
      <koe-player class="grow" .src=${source} .label=${t('voices.clip_number', { number })} .duration=${each.duration}></koe-player>
      ${count > 1 ? html`<button class="button quiet icon small" aria-label=${t('voices.remove_clip', { number })}
        @click=${() => void this.take(number)}>${icon('bin', 16)}</button>` : nothing}
      <p class="about">${each.transcript || t('voices.no_transcript')}</p>
    </li>`;
  }

  more() {
    return html`<div class="stack adding">
      <koe-clips .language=${this.profile.languages[0]} @change=${() => this.requestUpdate()}></koe-clips>
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
      const path = `api/voices/${encodeURIComponent(this.profile.id)}/references`;
      this.tell('saved', await upload(path, this.clips.form({ mode }), {}, this.gone));
      say(t('voices.saved'));
      this.close();
    } catch (error) {
      this.failure = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  /** @param {number} number */
  async take(number) {
    if (!(await sure(t('voices.remove_clip_sure', { number }), t('voices.remove')))) return;
    try {
      this.tell('saved', await remove(this.path(number)));
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-references', KoeReferences);
