import { ApiError, upload } from '../../api.js';
import '../../components/clips.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, live, nothing } from '../../lib/element.js';
import { why, withoutField } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { spoken } from '../../lib/voices.js';
import { t } from '../../lib/words.js';

/** `<koe-voice-make .abilities .brought=${[File]}>`: a voice out of recordings. Tells `made` with what the server answers. */
class KoeVoiceMake extends KoeElement {
  static properties = { abilities: { attribute: false }, brought: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Abilities | null} */
    this.abilities = null;
    /** @type {File[]} */
    this.brought = [];
    this.name = '';
    this.language = '';
    this.agreed = false;
    this.busy = false;
    this.failure = '';
    this.wrong = '';
  }

  get clips() {
    return /** @type {import('../../components/clips.js').KoeClips | null} */ (this.querySelector('koe-clips'));
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('brought') && this.brought.length > 0) this.clips?.bring(this.brought);
  }

  render() {
    const clone = this.abilities?.clone;
    return html`
      <p class="back"><a href=${link(['voices'])}>${t('nav.voices')}</a></p>
      <div class="head"><h1 tabindex="-1">${t('voices.make')}</h1><p class="lead">${t('voices.make_lead')}</p></div>
      ${clone && !clone.ready ? html`<p class="note warn block">${t('voices.cant_clone')} <a href=${link(['house'])}>${t('voices.get_model')}</a><br>
        <span class="small">${why(clone)}</span></p>` : nothing}
      <form class="making" @submit=${this.submit}>
        <section aria-labelledby="sound-heading">
          <h2 id="sound-heading">${t('voices.sound')}</h2>
          <koe-clips .language=${this.language} .transcribes=${this.abilities?.transcribe.ready ?? false} @change=${() => this.requestUpdate()}></koe-clips>
        </section>
        <section class="stack" aria-labelledby="name-heading">
          <h2 id="name-heading">${t('voices.about')}</h2>
          ${this.fields()}
          <label class="check agree"><input type="checkbox" .checked=${this.agreed} @change=${this.agree}>${t('voices.agreed')}</label>
          ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
          <div class="row">
            <button class="button primary" ?disabled=${!this.ready}>${this.busy ? t('voices.making') : html`${icon('check', 18)}${t('voices.make_it')}`}</button>
            <span class="small quiet" role="status">${this.missing()}</span>
          </div>
        </section>
      </form>`;
  }

  fields() {
    const { languages } = this.abilities ?? { languages: [] };
    return html`<div class="grid">
      <div class="field">
        <label for="voice-name">${t('voices.name')}</label>
        <input id="voice-name" class="input" maxlength="100" placeholder=${t('voices.name_example')} autocomplete="off"
          aria-invalid=${this.wrong ? 'true' : 'false'} .value=${live(this.name)} @input=${this.rename}>
        ${this.wrong ? html`<p class="wrong" role="alert">${this.wrong}</p>` : nothing}
      </div>
      <div class="field">
        <label for="voice-language">${t('voices.language')}</label>
        <select id="voice-language" class="input" @change=${this.choose}>
          <option value="">${t('voices.language_heard')}</option>
          ${languages.map((tag) => html`<option value=${tag} ?selected=${tag === this.language}>${spoken(tag)}</option>`)}
        </select>
      </div>
    </div>`;
  }

  get ready() {
    return !this.busy && this.missing() === '';
  }

  /** What has to be done first. */
  missing() {
    const clips = this.clips;
    if (!clips || clips.clips.length === 0) return t('voices.needs_clip');
    if (!clips.ready) return clips.clips.some((clip) => clip.busy) ? t('voices.checking') : t('voices.needs_better');
    if (!this.name.trim()) return t('voices.needs_name');
    return this.agreed ? '' : t('voices.needs_agreement');
  }

  /** @param {Event} event */
  rename(event) {
    this.name = /** @type {HTMLInputElement} */ (event.target).value;
    this.wrong = '';
    this.requestUpdate();
  }

  /** @param {Event} event */
  choose(event) {
    this.language = /** @type {HTMLSelectElement} */ (event.target).value;
    this.requestUpdate();
  }

  /** @param {Event} event */
  agree(event) {
    this.agreed = /** @type {HTMLInputElement} */ (event.target).checked;
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    const clips = this.clips;
    if (!clips || !this.ready) return;
    this.busy = true;
    this.failure = '';
    this.requestUpdate();
    const others = (this.abilities?.languages ?? []).filter((tag) => tag !== this.language);
    const languages = this.language ? { languages: [this.language, ...others] } : {};
    try {
      this.tell('made', await upload('api/voices', clips.form({ name: this.name.trim(), ...languages }), {}, this.gone));
    } catch (error) {
      if (error instanceof ApiError && error.param === 'name') this.wrong = withoutField(error);
      else this.failure = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-voice-make', KoeVoiceMake);
