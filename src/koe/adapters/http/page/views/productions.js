import { get } from '../api.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { t, when } from '../lib/words.js';

class KoeProductions extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Job[] | null} */
    this.jobs = null;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      this.jobs = (await get('api/jobs', {}, this.gone)).jobs;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`
      <div class="head"><h1>${t('nav.productions')}</h1></div>
      ${this.jobs?.length === 0 ? html`<div class="empty"><p>${t('productions.empty')}</p></div>` : this.list()}
    `;
  }

  list() {
    return html`<ul class="list">
      ${(this.jobs ?? []).map((each) => html`<li><span class="grow"><span class="name">${each.title}</span><br><span class="about">${when(each.created)}</span></span><span class="mark">${each.state}</span></li>`)}
    </ul>`;
  }
}

customElements.define('koe-productions', KoeProductions);
