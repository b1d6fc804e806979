import { KoeElement, html, repeat } from '../lib/element.js';
import { notices } from '../lib/notices.js';
import { t } from '../lib/words.js';
import { icon } from './icons.js';

/** `<koe-notices>`: what has just happened, also for who hears the page. */
class KoeNotices extends KoeElement {
  connectedCallback() {
    super.connectedCallback();
    notices.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
  }

  render() {
    return html`<div class="notices" role="status" aria-live="polite">
      ${repeat(
        notices.shown,
        (each) => each.id,
        (each) => html`<div class="note ${each.bad ? 'bad' : ''}">
          <span>${each.text}</span>
          <button class="button quiet icon small" aria-label=${t('app.close')} @click=${() => notices.close(each.id)}>
            ${icon('close', 16)}
          </button>
        </div>`,
      )}
    </div>`;
  }
}

customElements.define('koe-notices', KoeNotices);
