import { get } from '../api.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { t, when } from '../lib/words.js';

class KoeDesign extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Design[] | null} */
    this.designs = null;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      this.designs = (await get('api/designs', {}, this.gone)).designs;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`
      <div class="head"><h1>${t('nav.design')}</h1></div>
      ${this.designs?.length === 0 ? html`<div class="empty"><p>${t('design.empty')}</p></div>` : this.list()}
    `;
  }

  list() {
    return html`<ul class="list">
      ${(this.designs ?? []).map((each) => html`<li><span class="grow"><span class="name">${each.description}</span><br><span class="about">${when(each.created)}</span></span></li>`)}
    </ul>`;
  }
}

customElements.define('koe-design', KoeDesign);
