import { get, patch } from '../../api.js';
import '../../components/voice-picker.js';
import { whenThere } from '../../lib/connection.js';
import { KoeElement, html } from '../../lib/element.js';
import { say, sayError } from '../../lib/notices.js';
import { loadVoices } from '../../lib/voices.js';
import { t } from '../../lib/words.js';

/** Which voice speaks where none is asked for. */
class KoeHouseVoice extends KoeElement {
  constructor() {
    super();
    /** @type {import('../../api-types').Voice[]} */
    this.voices = [];
    this.chosen = '';
  }

  connectedCallback() {
    super.connectedCallback();
    whenThere(() => this.load(), this.gone);
  }

  async load() {
    try {
      const [voices, house] = await Promise.all([loadVoices(this.gone), get('api/house', {}, this.gone)]);
      this.voices = voices;
      this.chosen = house.default_voice ?? '';
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`<section class="part">
      <h2>${t('house.voice')}</h2>
      <p class="lead">${t('house.voice_about')}</p>
      <koe-voice-picker class="house-voice" .voices=${this.voices} .value=${this.chosen} .label=${t('speak.voice')}
        @pick=${this.pick}></koe-voice-picker>
    </section>`;
  }

  /** @param {CustomEvent<string>} event */
  async pick(event) {
    const name = this.voices.find((voice) => voice.id === event.detail)?.name ?? event.detail;
    try {
      await patch('api/settings', { 'voice.default': event.detail });
      say(t('house.voice_kept', { name }));
    } catch (error) {
      sayError(error);
    }
    await this.load();
  }
}

customElements.define('koe-house-voice', KoeHouseVoice);
