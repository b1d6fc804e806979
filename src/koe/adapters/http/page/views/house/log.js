import { get } from '../../api.js';
import { KoeElement, classMap, html } from '../../lib/element.js';
import { t } from '../../lib/words.js';
import { watch } from '../../lib/watching.js';

const LEVELS = ['info', 'warning', 'error'];

/** The last lines of the log, as they come. */
class KoeHouseLog extends KoeElement {
  constructor() {
    super();
    /** @type {import('../../api-types').LogLine[]} */
    this.lines = [];
    this.level = 'info';
  }

  connectedCallback() {
    super.connectedCallback();
    watch(() => this.load(), 3, this.gone);
  }

  async load() {
    try {
      this.lines = (await get('api/log', { level: this.level }, this.gone)).lines;
      this.requestUpdate();
    } catch {
      // The frame says that Koe is away; the lines stay.
    }
  }

  render() {
    return html`<section class="part">
      <div class="row">
        <p class="quiet grow">${t('log.about')}</p>
        <label for="log-level" class="small">${t('log.level')}</label>
        <select id="log-level" class="input narrow end" @change=${this.choose}>
          ${LEVELS.map((each) => html`<option value=${each} ?selected=${each === this.level}>${t(`log.${each}`)}</option>`)}
        </select>
      </div>
      <div class="log" role="log" tabindex="0" aria-label=${t('house.part_log')}>
        ${this.lines.length === 0 ? html`<p class="quiet">${t('log.empty')}</p>` : this.lines.map((each) => this.line(each))}
      </div>
    </section>`;
  }

  /** @param {import('../../api-types').LogLine} line */
  line({ at, level, message }) {
    const time = new Date(at).toLocaleTimeString();
    return html`<p class=${classMap({ [level]: true })}><time datetime=${at}>${time}</time> ${message}</p>`;
  }

  updated() {
    const log = this.querySelector('.log');
    if (log && !this.read) log.scrollTop = log.scrollHeight;
    log?.addEventListener('scroll', () => {
      // Who has scrolled up reads: the newest lines must not carry it away.
      this.read = log.scrollHeight - log.scrollTop - log.clientHeight > 40;
    }, { signal: this.gone, once: true });
  }

  /** @param {Event} event */
  choose(event) {
    this.level = /** @type {HTMLSelectElement} */ (event.target).value;
    void this.load();
  }
}

customElements.define('koe-house-log', KoeHouseLog);
