import { TrialPlayer } from '../audio/trial.js';
import { KoeElement, html, nothing } from '../lib/element.js';
import { inWords } from '../lib/notices.js';
import { t } from '../lib/words.js';
import { icon } from './icons.js';
import { hush } from './player.js';
import './take.js';

/** @type {TrialPlayer | null} One at a time speaks. */
let speaking = null;

/**
 * `<koe-trial voice="anna" name="Anna" text="...">`: a button that lets the voice speak, and what it said. Without a
 * text it says two sentences in its own language.
 */
class KoeTrial extends KoeElement {
  static properties = { voice: {}, name: {}, text: {}, primary: { type: Boolean } };

  constructor() {
    super();
    this.voice = '';
    this.name = '';
    this.text = '';
    this.primary = false;
    this.failure = '';
    /** @type {TrialPlayer | null} */
    this.player = null;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.player?.stop();
  }

  get busy() {
    return this.player !== null && ['waiting', 'speaking'].includes(this.player.state);
  }

  render() {
    const [picture, words] = this.busy ? ['stop', t('voices.stop')] : ['play', t('voices.hear')];
    return html`
      <button type="button" class="button ${this.primary ? 'primary' : ''}" aria-label="${words}: ${this.name}" @click=${this.press}>
        ${icon(picture, 18)}${words}
      </button>
      <koe-take .player=${this.player} .name=${this.voice}></koe-take>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}`;
  }

  press() {
    if (this.busy) this.player?.stop();
    else void this.hear();
  }

  async hear() {
    hush();
    speaking?.stop();
    this.failure = '';
    const player = new TrialPlayer();
    this.player = speaking = player;
    player.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
    this.requestUpdate();
    try {
      await player.play({ voice: this.voice, ...(this.text.trim() ? { text: this.text.trim() } : {}) });
    } catch (error) {
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }
}

customElements.define('koe-trial', KoeTrial);
