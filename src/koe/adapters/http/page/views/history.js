import { get } from '../api.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { t, when } from '../lib/words.js';

class KoeHistory extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Run[] | null} */
    this.runs = null;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      this.runs = (await get('api/history', {}, this.gone)).runs;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`
      <div class="head"><h1>${t('nav.history')}</h1></div>
      ${this.runs?.length === 0 ? html`<div class="empty"><p>${t('history.empty')}</p></div>` : this.list()}
    `;
  }

  list() {
    return html`<ul class="list">
      ${(this.runs ?? []).map((each) => html`<li><span class="grow"><span class="name">${each.text}</span><br><span class="about">${each.voice} · ${when(each.created)}</span></span></li>`)}
    </ul>`;
  }
}

customElements.define('koe-history', KoeHistory);
