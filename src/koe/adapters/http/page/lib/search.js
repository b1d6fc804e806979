// Looking for something that takes seconds, for as long as an element is on the page: now, and when it is asked to.
import { icon } from '../components/icons.js';
import { connection } from './connection.js';
import { html } from './element.js';
import { inWords } from './notices.js';
import { t } from './words.js';

/**
 * `this.search = new Search(this, () => get('api/rooms', {}, this.gone))`; then `search.found`, `search.failure`, and
 * `search.button()`. The element is drawn anew whenever that has changed.
 * @template Found
 */
export class Search {
  /** @param {import('./element.js').KoeElement} element @param {() => Promise<Found>} look */
  constructor(element, look) {
    this.element = element;
    this.look = look;
    this.running = false;
    this.failure = '';
    /** @type {Found | null} What was found last. */
    this.found = null;
  }

  /** Once the element is on the page. */
  begin() {
    connection.addEventListener('back', () => void this.again(), { signal: this.element.gone });
    void this.again();
  }

  async again() {
    if (this.running) return;
    this.running = true;
    this.element.requestUpdate();
    try {
      this.found = await this.look();
      this.failure = '';
    } catch (error) {
      this.failure = inWords(error);
    }
    this.running = false;
    this.element.requestUpdate();
  }

  /** @param {string} what For those who don't see what it stands beside. */
  button(what) {
    return html`<button type="button" class="button quiet end" aria-label="${t('network.again')}: ${what}" ?disabled=${this.running}
      @click=${() => void this.again()}>${icon('again', 18)}${t('network.again')}</button>`;
  }

  /** @param {string} words How it is now: while it looks, and afterwards. */
  status(words) {
    return html`<p class="small quiet" role="status">${this.running ? t('network.looking') : words}</p>`;
  }
}
