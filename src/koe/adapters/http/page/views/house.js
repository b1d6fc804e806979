import { KoeElement, html } from '../lib/element.js';
import { here, link } from '../lib/router.js';
import { t } from '../lib/words.js';
import './house/log.js';
import './house/models.js';
import './house/network.js';
import './house/overview.js';
import './house/settings.js';

const PARTS = ['overview', 'network', 'models', 'settings', 'log'];

/** `#/house`, `#/house/network`, `#/house/models`, `#/house/settings`, `#/house/log`. */
class KoeHouse extends KoeElement {
  connectedCallback() {
    super.connectedCallback();
    window.addEventListener('hashchange', () => this.requestUpdate(), { signal: this.gone });
  }

  render() {
    const asked = here().rest[0];
    const part = PARTS.includes(asked) ? asked : PARTS[0];
    return html`
      <div class="head"><h1>${t('nav.house')}</h1></div>
      <nav class="tabs" aria-label=${t('house.parts')}>
        ${PARTS.map(
          (name) => html`<a href=${link(name === PARTS[0] ? ['house'] : ['house', name])}
            aria-current=${name === part ? 'page' : 'false'}>${t(`house.part_${name}`)}</a>`,
        )}
      </nav>
      ${this.content(part)}`;
  }

  /** @param {string} part */
  content(part) {
    if (part === 'network') return html`<koe-house-network></koe-house-network>`;
    if (part === 'models') return html`<koe-house-models></koe-house-models>`;
    if (part === 'settings') return html`<koe-house-settings></koe-house-settings>`;
    if (part === 'log') return html`<koe-house-log></koe-house-log>`;
    return html`<koe-house-overview></koe-house-overview>`;
  }
}

customElements.define('koe-house', KoeHouse);
