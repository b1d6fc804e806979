import { whenThere } from '../lib/connection.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { here, link } from '../lib/router.js';
import { loadVoicesAndUsual } from '../lib/voices.js';
import { t } from '../lib/words.js';
import './productions/form.js';
import './productions/jobs.js';
import { KINDS } from './productions/kinds.js';

/** `#/productions`: what can be made, and what is being made; `#/productions/script`: a form. */
class KoeProductions extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Voice[]} */
    this.voices = [];
    this.house = '';
  }

  connectedCallback() {
    super.connectedCallback();
    window.addEventListener('hashchange', () => this.turn(), { signal: this.gone });
    whenThere(() => this.load(), this.gone);
  }

  async load() {
    try {
      const { voices, usual } = await loadVoicesAndUsual(this.gone);
      this.voices = voices;
      const house = voices.find((voice) => voice.id === usual);
      this.house = house ? t('speak.house_voice', { name: house.name }) : '';
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  turn() {
    if (here().view !== 'productions') return;
    this.requestUpdate();
    // Who hears the page is told what stands there now.
    void this.updateComplete.then(() => this.querySelector('h1')?.focus());
    window.scrollTo(0, 0);
  }

  render() {
    const kind = here().rest[0];
    return Object.hasOwn(KINDS, kind ?? '') ? this.form(kind) : this.overview();
  }

  /** @param {string} kind */
  form(kind) {
    return html`
      <p class="back"><a href=${link(['productions'])}>${t('nav.productions')}</a></p>
      <div class="head">
        <h1 class="whole" tabindex="-1">${t(`productions.kind_${kind}`)}</h1>
        <p class="lead">${t(`productions.lead_${kind}`)}</p>
      </div>
      <koe-production-form .kind=${kind} .voices=${this.voices} .house=${this.house}></koe-production-form>`;
  }

  overview() {
    return html`
      <div class="head"><h1 class="whole" tabindex="-1">${t('nav.productions')}</h1><p class="lead">${t('productions.lead')}</p></div>
      <ul class="kinds" aria-label=${t('productions.begin')}>${Object.keys(KINDS).map((kind) => html`<li>
        <a href=${link(['productions', kind])}><strong>${t(`productions.kind_${kind}`)}</strong><span>${t(`productions.short_${kind}`)}</span></a>
      </li>`)}
        <li><a href=${link(['projects'])}><strong>${t('nav.projects')}</strong><span>${t('projects.short')}</span></a></li></ul>
      <koe-jobs></koe-jobs>`;
  }
}

customElements.define('koe-productions', KoeProductions);
