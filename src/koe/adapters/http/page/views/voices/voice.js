import { ApiError, address, events, get, remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/trial.js';
import { voiceMark } from '../../components/voice-mark.js';
import { connection } from '../../lib/connection.js';
import { KoeElement, html, live, nothing } from '../../lib/element.js';
import { inWords, say, sayError, sentence, why } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { isComing, speaks } from '../../lib/voices.js';
import { t } from '../../lib/words.js';
import './details.js';
import './references.js';

/** `<koe-voice voice="anna" .abilities .made>`: one voice, to be heard and changed. Tells `changed`, and `removed`. */
class KoeVoice extends KoeElement {
  static properties = { voice: {}, abilities: { attribute: false }, made: { attribute: false }, state: {} };

  constructor() {
    super();
    this.voice = '';
    /** @type {import('../../api-types').Voice['state'] | undefined} As the list has it, which is looked at again and again. */
    this.state = undefined;
    /** @type {import('../../api-types').Abilities | null} */
    this.abilities = null;
    /** @type {import('../../api-types').Made | null} Where it was made a moment ago. */
    this.made = null;
    /** @type {import('../../api-types').VoiceDetail | null} */
    this.known = null;
    this.absent = false;
    this.failure = '';
    this.text = '';
    this.stage = '';
    /** @type {string[]} */
    this.warnings = [];
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('made') && this.made) {
      this.warnings = this.made.warnings;
      if (['ready', 'loading'].includes(this.made.state)) void this.prepare();
    }
    if (changed.has('voice') || (changed.has('state') && this.known && this.state !== this.known.state)) void this.load();
  }

  async load() {
    try {
      this.failure = '';
      this.known = await get(`api/voices/${encodeURIComponent(this.voice)}`, {}, this.gone);
    } catch (error) {
      this.known = null;
      this.absent = error instanceof ApiError && error.status === 404;
      this.failure = sentence(inWords(error));
    }
    this.requestUpdate();
  }

  /** Lets the model hear its clips, so that its first words come as soon as all others. */
  async prepare() {
    try {
      for await (const { data } of events(`api/voices/${encodeURIComponent(this.voice)}/prepare`, { method: 'POST', signal: this.gone })) {
        this.stage = data.stage;
        this.requestUpdate();
      }
    } catch {
      // Then its first words take longer, or tell what is wrong.
      this.stage = '';
    }
    await this.load();
  }

  render() {
    const known = this.known;
    return html`
      <p class="back"><a href=${link(['voices'])}>${t('nav.voices')}</a></p>
      ${known ? this.whole(known) : html`<div class="head"><h1 tabindex="-1">${this.absent ? t('voices.not_there') : this.voice}</h1>
        <p class="lead">${this.failure}</p></div>`}`;
  }

  /** @param {import('../../api-types').VoiceDetail} known */
  whole(known) {
    const { profile } = known;
    return html`
      <div class="head">
        <h1 tabindex="-1">${known.name || known.id}</h1>${voiceMark(known)}
        <div class="end row">
          ${speaks(known) ? html`<a class="button" href=${link(['speak'], { voice: known.id })}>${icon('speak', 18)}${t('voices.speak_with')}</a>` : nothing}
          ${profile ? html`<a class="button quiet" href=${address('api/voices/export', { id: known.id })} download="${known.id}.zip">
            ${icon('download', 18)}${t('voices.export')}</a>` : nothing}
          ${known.own && !known.preset ? html`<button class="button quiet bad" @click=${() => void this.forget(known)}>${icon('bin', 18)}${t('voices.remove')}</button>` : nothing}
        </div>
        <p class="lead">${profile?.design || known.description || t(`voices.kind_${known.kind ?? 'cloned'}`)}</p>
      </div>
      ${this.hearing(known)}
      ${profile ? this.parts(known, profile) : nothing}`;
  }

  /** @param {import('../../api-types').VoiceDetail} known */
  hearing(known) {
    if (!speaks(known)) return html`<div class="note ${isComing(known) ? '' : known.state === 'broken' ? 'bad' : 'warn'} block">
      <strong>${t(`voice.${known.state}_help`)}</strong>${isComing(known) ? nothing : why(known)}
      ${known.state === 'missing' && known.own ? html`<br><a href=${link(['house'])}>${t('voices.get_model')}</a>` : nothing}</div>`;
    return html`<section class="stack hear" aria-labelledby="hear-heading">
      <h2 id="hear-heading" class="unseen">${t('voices.hear')}</h2>
      ${this.warnings.map((warning) => html`<p class="note warn small">${sentence(warning)}</p>`)}
      ${this.stage && this.stage !== 'ready' ? html`<p class="small quiet" role="status">${t(`voices.stage_${this.stage}`)}</p>` : nothing}
      <div class="field">
        <label for="trial-text">${t('voices.trial_text')}</label>
        <textarea id="trial-text" class="input short" rows="2" placeholder=${t('voices.trial_own')} .value=${live(this.text)} @input=${this.write}></textarea>
      </div>
      <koe-trial primary .voice=${known.id} .name=${known.name} .text=${this.text}></koe-trial>
    </section>`;
  }

  /** @param {import('../../api-types').VoiceDetail} known @param {import('../../api-types').Profile} profile */
  parts(known, profile) {
    if (known.preset) return html`<p class="note block">${t('voices.preset')}</p>`;
    return html`
      ${profile.kind === 'named' ? nothing : html`<koe-references class="part" .profile=${profile}
        .transcribes=${this.abilities?.transcribe.ready ?? false} @saved=${this.saved}></koe-references>`}
      <koe-voice-details class="part" .profile=${profile} .offered=${this.abilities?.languages ?? []} @saved=${this.saved}></koe-voice-details>`;
  }

  /** @param {Event} event */
  write(event) {
    this.text = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this.requestUpdate();
  }

  /** @param {CustomEvent<import('../../api-types').Made>} event */
  saved(event) {
    this.warnings = event.detail.warnings;
    void this.load();
    this.tell('changed');
  }

  /** @param {import('../../api-types').VoiceDetail} known */
  async forget(known) {
    if (!(await sure(t('voices.remove_sure', { name: known.name || known.id }), t('voices.remove')))) return;
    try {
      await remove(`api/voices/${encodeURIComponent(known.id)}`);
      say(t('voices.removed', { name: known.name || known.id }));
      this.tell('removed');
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-voice', KoeVoice);
