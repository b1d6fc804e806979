import { SpeechPlayer } from '../audio/stream.js';
import '../components/effects.js';
import { icon } from '../components/icons.js';
import { hush } from '../components/player.js';
import '../components/manner.js';
import '../components/take.js';
import '../components/voice-picker.js';
import '../components/welcome.js';
import { whenThere } from '../lib/connection.js';
import { draft, wanted } from '../lib/draft.js';
import { KoeElement, html, live, nothing } from '../lib/element.js';
import { keep, kept } from '../lib/kept.js';
import { inWords, sayError } from '../lib/notices.js';
import { here, link } from '../lib/router.js';
import { loadVoicesAndUsual, watchVoices } from '../lib/voices.js';
import { languageName, t } from '../lib/words.js';

class KoeSpeak extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Voice[]} */
    this.voices = [];
    this.house = '';
    this.failure = '';
    this.kept = false;
    /** @type {SpeechPlayer | null} */
    this.player = null;
  }

  connectedCallback() {
    super.connectedCallback();
    draft.voice = here().query.get('voice') ?? draft.voice;
    whenThere(() => this.load(), this.gone);
    watchVoices(() => this.voices, (voices) => {
      this.voices = voices;
      this.requestUpdate();
    }, this.gone);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.player?.stop();
  }

  async load() {
    try {
      const { voices, usual } = await loadVoicesAndUsual(this.gone);
      this.voices = voices;
      this.house = usual ?? '';
      if (!voices.some((voice) => voice.id === draft.voice)) draft.voice = '';
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  /** The voice that speaks. */
  get voice() {
    return this.voices.find((voice) => voice.id === (draft.voice || this.house));
  }

  get speaking() {
    return this.player !== null && ['waiting', 'speaking'].includes(this.player.state);
  }

  render() {
    return html`
      <h1 class="unseen">${t('nav.speak')}</h1>
      <form class="speak" @submit=${this.submit} @keydown=${this.press}>
        <label class="unseen" for="speak-text">${t('speak.text')}</label>
        <textarea id="speak-text" class="paper" rows="4" placeholder=${t('speak.placeholder')}
          .value=${live(draft.text)} @input=${this.write}></textarea>
        <div class="how">
          <koe-voice-picker .voices=${this.voices} .value=${draft.voice} .label=${t('speak.voice')}
            .house=${this.houseName()} @pick=${this.pick}></koe-voice-picker>
          ${this.languages()}
          ${this.button()}
        </div>
        <label class="check small">
          <input type="checkbox" .checked=${live(draft.keep)} @change=${this.keepRuns}>${t('speak.keep')}
        </label>
        ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
        <koe-take .player=${this.player}></koe-take>
        ${this.kept ? html`<p class="small" role="status">${t('speak.kept')} <a href=${link(['history'])}>${t('nav.history')}</a></p>` : nothing}
        <details class="more">
          <summary>${t('speak.more')}</summary>
          <div class="stack">
            <koe-manner .voice=${this.voice} .draft=${draft}></koe-manner>
            <koe-effects .chain=${draft.effects} @change=${this.useEffects}></koe-effects></div>
        </details>
      </form>
      ${this.voices.length > 0 && !kept('welcomed') ? html`<koe-welcome @welcomed=${this.pick}></koe-welcome>` : nothing}`;
  }

  houseName() {
    const name = this.voices.find((voice) => voice.id === this.house)?.name;
    return name ? t('speak.house_voice', { name }) : '';
  }

  button() {
    if (this.speaking) {
      return html`<button type="button" class="button primary speak-button" @click=${() => this.player?.stop()}>
        ${icon('stop')}${t('speak.stop')}
      </button>`;
    }
    return html`<button class="button primary speak-button" title=${t('speak.keys')} ?disabled=${!draft.text.trim()}>
      ${icon('play')}${t('speak.speak')}
    </button>`;
  }

  languages() {
    const tags = this.voice?.languages ?? [];
    if (tags.length < 2) return nothing;
    return html`<div class="field">
      <label for="speak-language">${t('speak.language')}</label>
      <select id="speak-language" class="input" @change=${this.useLanguage}>
        <option value="">${t('speak.detected')}</option>
        ${tags.map((tag) => html`<option value=${tag} ?selected=${tag === draft.language}>${languageName(tag)}</option>`)}
      </select>
    </div>`;
  }

  /** @param {Event} event */
  useLanguage(event) {
    draft.language = /** @type {HTMLSelectElement} */ (event.target).value;
  }

  /** @param {Event} event */
  write(event) {
    draft.text = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this.requestUpdate();
  }

  /** @param {CustomEvent<string>} event */
  pick(event) {
    draft.voice = event.detail;
    draft.language = draft.style = '';
    keep('voice', draft.voice || null);
    this.requestUpdate();
  }

  /** @param {Event} event */
  keepRuns(event) {
    draft.keep = /** @type {HTMLInputElement} */ (event.target).checked;
    keep('keep', draft.keep ? 'yes' : null);
  }

  /** @param {CustomEvent<import('../components/effects.js').Effect[]>} event */
  useEffects(event) {
    draft.effects = event.detail;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void this.submit(event);
    if (event.key === 'Escape' && this.speaking && !event.defaultPrevented) this.player?.stop();
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    if (this.speaking || !draft.text.trim()) return;
    hush();
    this.failure = '';
    this.kept = false;
    const player = new SpeechPlayer();
    this.player = player;
    player.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
    this.requestUpdate();
    try {
      const body = wanted(this.voice?.engine === 'qwen');
      await player.play(body);
      this.kept = body.keep === true && player.state === 'ended';
    } catch (error) {
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }
}

customElements.define('koe-speak', KoeSpeak);
