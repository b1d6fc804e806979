import { get } from '../api.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { bytes, t } from '../lib/words.js';

class KoeHouse extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Model[] | null} */
    this.models = null;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      this.models = (await get('api/models', {}, this.gone)).models;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`
      <div class="head"><h1>${t('nav.house')}</h1></div>
      <ul class="list">
        ${(this.models ?? []).map(
          (each) => html`<li><span class="grow name">${each.name}</span><span>${bytes(each.bytes)}</span><span class="mark">${each.state}</span></li>`,
        )}
      </ul>`;
  }
}

customElements.define('koe-house', KoeHouse);
