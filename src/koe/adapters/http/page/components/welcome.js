import { SpeechPlayer } from '../audio/stream.js';
import { KoeElement, html, nothing } from '../lib/element.js';
import { keep } from '../lib/kept.js';
import { inWords } from '../lib/notices.js';
import { loadVoicesAndUsual, speaks } from '../lib/voices.js';
import { t, words } from '../lib/words.js';
import { modal } from './dialog.js';
import { icon } from './icons.js';
import './take.js';
import './voice-picker.js';

/** `<koe-welcome>`: who comes for the first time chooses a voice, and hears the house speak. Tells `welcomed`. */
class KoeWelcome extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Voice[]} Those that speak the page's language. */
    this.voices = [];
    this.voice = '';
    this.failure = '';
    /** @type {SpeechPlayer | null} */
    this.player = null;
  }

  connectedCallback() {
    super.connectedCallback();
    words.addEventListener('change', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.player?.stop();
  }

  async load() {
    try {
      const { voices, usual } = await loadVoicesAndUsual(this.gone);
      const fits = (/** @type {import('../api-types').Voice} */ voice) =>
        voice.languages.some((tag) => tag.split('-')[0] === words.language);
      this.voices = voices.filter((voice) => speaks(voice) && fits(voice));
      const first = this.voices.find((voice) => voice.id === usual) ?? this.voices[0];
      this.voice = first?.id ?? '';
    } catch (error) {
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }

  render() {
    // Only what can be pressed gets the focus that the dialog gives at its beginning.
    if (!this.voice && !this.failure) return nothing;
    return modal(t('welcome.title'), this.content(), () => this.done());
  }

  content() {
    const speaking = this.player !== null && ['waiting', 'speaking'].includes(this.player.state);
    const heard = this.player !== null && this.player.state === 'ended';
    return html`<div class="stack">
      <p>${t('welcome.about')}</p>
      <koe-voice-picker .voices=${this.voices} .value=${this.voice} .label=${t('welcome.choose')}
        @pick=${this.pick}></koe-voice-picker>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      <koe-take .player=${this.player}></koe-take>
      ${heard ? html`<p class="note good" role="status">${t('welcome.heard')}</p>` : nothing}
      <div class="ends">
        <button class="button ${heard ? '' : 'primary'}" autofocus ?disabled=${speaking || !this.voice} @click=${this.speak}>
          ${icon('play')}${heard ? t('welcome.again') : t('welcome.speak')}
        </button>
        <button class="button ${heard ? 'primary' : 'quiet'}" @click=${this.done}>
          ${heard ? t('welcome.look_around') : t('welcome.skip')}
        </button>
      </div>
    </div>`;
  }

  /** @param {CustomEvent<string>} event */
  pick(event) {
    this.voice = event.detail;
    this.requestUpdate();
  }

  async speak() {
    this.failure = '';
    const player = new SpeechPlayer();
    this.player = player;
    player.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
    this.requestUpdate();
    try {
      await player.play({ input: t('welcome.sentence'), voice: this.voice });
    } catch (error) {
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }

  done() {
    keep('welcomed', 'yes');
    if (this.voice) keep('voice', this.voice);
    this.tell('welcomed', this.voice);
  }
}

customElements.define('koe-welcome', KoeWelcome);
