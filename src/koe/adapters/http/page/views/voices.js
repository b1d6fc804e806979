import { get } from '../api.js';
import { voiceMark } from '../components/voice-picker.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { languageName, t } from '../lib/words.js';

class KoeVoices extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Voice[] | null} */
    this.voices = null;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      this.voices = (await get('api/voices', {}, this.gone)).voices;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`
      <div class="head"><h1>${t('nav.voices')}</h1></div>
      ${this.voices?.length === 0 ? html`<div class="empty"><p>${t('voices.empty')}</p></div>` : this.list()}
    `;
  }

  list() {
    return html`<ul class="list">
      ${(this.voices ?? []).map((each) => html`<li><span class="grow"><span class="name">${each.name}</span><br><span class="about">${each.languages.slice(0, 6).map(languageName).join(', ')}</span></span>${voiceMark(each)}</li>`)}
    </ul>`;
  }
}

customElements.define('koe-voices', KoeVoices);
