import { patch } from '../../api.js';
import '../../components/effects.js';
import '../../components/languages.js';
import { slider } from '../../components/slider.js';
import { KoeElement, html, live, nothing } from '../../lib/element.js';
import { say, withoutField } from '../../lib/notices.js';
import { t } from '../../lib/words.js';
import { advanced } from './fields.js';

/** @typedef {import('../../api-types').Profile} Profile */

/** What can be changed here. */
const FIELDS = /** @type {const} */ ([
  'name', 'description', 'tags', 'languages', 'instruct', 'speed', 'pitch', 'gain', 'effects', 'seed', 'size', 'sampling',
]);

/** `<koe-voice-details .profile .offered=${['de-DE', ...]}>`: everything of a voice but its sound. Tells `saved`. */
class KoeVoiceDetails extends KoeElement {
  static properties = { profile: { attribute: false }, offered: { attribute: false } };

  constructor() {
    super();
    /** @type {Profile} As the server has it. */
    this.profile = /** @type {never} */ (null);
    /** @type {string[]} */
    this.offered = [];
    /** @type {Profile} As it is here. */
    this.edited = /** @type {never} */ (null);
    /** @type {string | null} The tags as they are being written. */
    this.tagged = null;
    this.busy = false;
    this.failure = '';
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('profile')) return;
    const before = /** @type {Profile | undefined} */ (changed.get('profile'));
    // What is being written stays, where only a clip has come or gone.
    if (before?.id !== this.profile.id || this.changes === null) this.edited = { ...this.profile };
  }

  /** What is sent; null where nothing was changed. */
  get changes() {
    if (!this.edited) return null;
    const fields = FIELDS.filter((name) => JSON.stringify(this.edited[name]) !== JSON.stringify(this.profile[name]));
    return fields.length > 0 ? Object.fromEntries(fields.map((name) => [name, this.edited[name]])) : null;
  }

  render() {
    const { edited } = this;
    const offered = edited.kind === 'named' ? [] : this.offered;
    return html`
      <h2>${t('voices.details')}</h2>
      <form class="stack details" @submit=${this.save}>
        <div class="grid">
          ${this.text('name', t('voices.name'), 100)}
          <div class="field">
            <label for="voice-tags">${t('voices.tags')}</label>
            <input id="voice-tags" class="input" aria-describedby="tags-hint" .value=${live(this.tagged ?? edited.tags.join(', '))} @input=${this.tag}>
            <p class="hint" id="tags-hint">${t('voices.tags_hint')}</p>
          </div>
          ${this.text('description', t('voices.description'), 2000, 'whole')}
          ${edited.kind === 'named' && edited.engine === 'qwen' ? this.text('instruct', t('speak.instructions'), 2000, 'whole') : nothing}
        </div>
        <koe-languages .value=${edited.languages} .offered=${offered}
          @change=${(/** @type {CustomEvent<string[]>} */ event) => this.use({ languages: event.detail })}></koe-languages>
        <div class="grid sliders">
          ${slider(t('voices.speed'), edited.speed, { from: 0.5, to: 2, step: 0.05 }, (speed) => this.use({ speed }))}
          ${slider(t('voices.pitch'), edited.pitch, { from: -12, to: 12, step: 0.5 }, (pitch) => this.use({ pitch }))}
          ${slider(t('voices.gain'), edited.gain, { from: -20, to: 20, step: 1 }, (gain) => this.use({ gain }))}
        </div>
        <koe-effects .chain=${edited.effects} @change=${(/** @type {CustomEvent<Profile['effects']>} */ event) => {
          if (Array.isArray(event.detail)) this.use({ effects: event.detail });
        }}></koe-effects>
        ${edited.engine === 'qwen' ? advanced(edited, (fields) => this.use(fields)) : nothing}
        ${this.foot()}
      </form>`;
  }

  foot() {
    const changed = this.changes !== null;
    return html`<div class="saving ${changed ? 'now' : ''}">
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      <div class="row">
        <button class="button primary" ?disabled=${this.busy || !changed || !this.edited.name.trim()}>${t('voices.save')}</button>
        ${changed ? html`<button type="button" class="button quiet" @click=${this.undo}>${t('voices.undo')}</button>` : nothing}
      </div>
    </div>`;
  }

  /** @param {'name' | 'description' | 'instruct'} name @param {string} label @param {number} most @param {string} [width] */
  text(name, label, most, width = '') {
    return html`<div class="field ${width}">
      <label for="voice-${name}">${label}</label>
      <input id="voice-${name}" class="input" maxlength=${most} .value=${live(this.edited[name])}
        @input=${(/** @type {Event} */ event) => this.use({ [name]: /** @type {HTMLInputElement} */ (event.target).value })}>
    </div>`;
  }

  /** @param {Event} event */
  tag(event) {
    this.tagged = /** @type {HTMLInputElement} */ (event.target).value;
    const tags = this.tagged.split(',').map((tag) => tag.trim()).filter(Boolean);
    this.use({ tags: [...new Set(tags)] });
  }

  /** @param {Partial<Profile>} fields */
  use(fields) {
    this.edited = { ...this.edited, ...fields };
    this.requestUpdate();
  }

  undo() {
    this.edited = { ...this.profile };
    this.tagged = null;
    this.failure = '';
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  async save(event) {
    event.preventDefault();
    const changes = this.changes;
    if (!changes || this.busy) return;
    this.busy = true;
    this.failure = '';
    this.requestUpdate();
    try {
      const made = await patch(`api/voices/${encodeURIComponent(this.profile.id)}`, changes);
      this.profile = made.profile;
      this.edited = { ...made.profile };
      this.tagged = null;
      this.tell('saved', made);
      say(t('voices.saved'));
    } catch (error) {
      this.failure = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-voice-details', KoeVoiceDetails);
