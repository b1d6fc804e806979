import { KoeElement, html, nothing, svg } from '../lib/element.js';
import { seconds, t, when } from '../lib/words.js';

/** @typedef {import('../api-types').PastRequest} PastRequest */

const [WIDTH, HEIGHT, SHOWN] = [600, 120, 60];
/** Below it, people take it for an immediate answer. */
const AT_ONCE = 0.3;

/** `<koe-chart .requests=${[...]}>`: how long the first sound took, a bar for each request, the newest at the right. */
class KoeChart extends KoeElement {
  static properties = { requests: { attribute: false } };

  constructor() {
    super();
    /** @type {PastRequest[]} The newest first. */
    this.requests = [];
  }

  get measured() {
    return this.requests.filter((each) => each.first_audio !== null).slice(0, SHOWN);
  }

  render() {
    const measured = this.measured;
    if (measured.length === 0) return html`<p class="quiet">${t('chart.empty')}</p>`;
    const sorted = measured.map((each) => each.first_audio ?? 0).sort((one, other) => one - other);
    const usual = t('chart.usual', { time: seconds(sorted[Math.floor(sorted.length / 2)]), count: measured.length });
    const top = Math.max(AT_ONCE * 1.5, sorted[sorted.length - 1]);
    return html`<figure class="chart">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${usual}>
        ${this.bars(measured, top)}${this.line(top)}
      </svg>
      <figcaption class="row small quiet">
        <span>${usual}</span><span class="end"><span class="dash"></span> ${t('chart.at_once', { time: seconds(AT_ONCE) })}</span>
      </figcaption>
      <details class="more"><summary class="small">${t('chart.table')}</summary>${this.table()}</details>
    </figure>`;
  }

  /** @param {PastRequest[]} measured @param {number} top */
  bars(measured, top) {
    const step = WIDTH / SHOWN;
    return measured.map((each, place) => {
      const tall = Math.max(3, ((each.first_audio ?? 0) / top) * (HEIGHT - 4));
      return svg`<rect x=${WIDTH - (place + 1) * step + 1} y=${HEIGHT - tall} width=${step - 3} height=${tall} rx="2"
        class=${each.outcome === 'spoken' && !each.fallback ? 'bar' : 'bar odd'}></rect>`;
    });
  }

  /** @param {number} top */
  line(top) {
    const y = HEIGHT - (AT_ONCE / top) * (HEIGHT - 4);
    return svg`<line x1="0" x2=${WIDTH} y1=${y} y2=${y} class="limit"></line>`;
  }

  table() {
    return html`<div class="scroll"><table>
      <thead><tr>
        ${['at', 'voice', 'first', 'length', 'outcome'].map((name) => html`<th scope="col">${t(`chart.col_${name}`)}</th>`)}
      </tr></thead>
      <tbody>${this.requests.slice(0, 20).map(
        (each) => html`<tr>
          <td>${when(each.at)}</td>
          <td>${each.voice}</td>
          <td>${each.first_audio === null ? nothing : seconds(each.first_audio)}</td>
          <td>${seconds(each.audio_seconds)}</td>
          <td>${each.fallback ?? each.outcome}</td>
        </tr>`,
      )}</tbody>
    </table></div>`;
  }
}

customElements.define('koe-chart', KoeChart);
