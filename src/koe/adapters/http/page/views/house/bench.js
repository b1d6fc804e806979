import { get, post, remove } from '../../api.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { sayError, sentence } from '../../lib/notices.js';
import { seconds, t, when } from '../../lib/words.js';
import { watch } from '../../lib/watching.js';

/** @typedef {import('../../api-types').Figures} Figures */

/** Seconds between two looks: while it measures, and otherwise. */
const [SOON, LATER] = [2, 20];

/** At once: more are not tried. */
const MOST_ROOMS = 4;

/** What each size and precision would do on this machine: measured here, or what was measured last. */
class KoeHouseBench extends KoeElement {
  constructor() {
    super();
    /** @type {import('../../api-types').BenchState | null} */
    this.state = null;
  }

  connectedCallback() {
    super.connectedCallback();
    watch(() => this.load(), () => (this.state?.running ? SOON : LATER), this.gone);
  }

  async load() {
    try {
      this.state = await get('api/bench', {}, this.gone);
      this.requestUpdate();
    } catch (error) {
      if (this.state === null) sayError(error);
    }
  }

  render() {
    const state = this.state;
    if (!state) return nothing;
    const { running, last, error } = state;
    const figures = running?.figures ?? last?.figures ?? [];
    return html`<section class="part" aria-labelledby="bench">
      <h2 id="bench">${t('bench.title')}</h2>
      <p class="lead">${t('bench.about')}</p>
      ${error ? html`<p class="note warn">${sentence(error.message)}</p>` : nothing}
      ${running ? this.progress(running) : nothing}
      <ul class="list bench" aria-label=${t('bench.title')}>${figures.map((each) => this.entry(each))}</ul>
      ${last && !running ? html`<p class="small quiet measuring">${t('bench.measured', { when: when(last.at), count: last.threads })}</p>` : nothing}
      ${running ? nothing : this.begin(state)}
    </section>`;
  }

  /** @param {import('../../api-types').BenchState} state */
  begin({ obstacle, last }) {
    if (obstacle) return html`<p class="note">${t('bench.not_installed')} <span class="quiet">${sentence(obstacle)}</span></p>`;
    return html`<div class="stack tight measuring">
      <p class="small quiet">${t('bench.takes')}</p>
      <div><button type="button" class="button" @click=${() => void this.act(() => post('api/bench'))}>
        ${t(last ? 'bench.again' : 'bench.measure')}</button></div>
    </div>`;
  }

  /** @param {import('../../api-types').BenchRunning} running */
  progress({ figures, count, size, precision }) {
    const now = size ? t('bench.now', { size, precision: precision ?? '' }) : t('bench.beginning');
    return html`<div class="whole measuring">
      <progress max=${count} .value=${figures.length} aria-label=${t('bench.title')}></progress>
      <div class="row">
        <p class="small grow" role="status">${now} · ${t('bench.done', { done: figures.length, count })}</p>
        <button type="button" class="button small end" @click=${() => void this.act(() => remove('api/bench'))}>${t('app.cancel')}</button>
      </div>
      <p class="small quiet">${t('bench.meanwhile')}</p>
    </div>`;
  }

  /** @param {Figures} figures */
  entry({ size, precision, first_audio, real_time, rooms, verdict }) {
    const look = { 'keeps-up': 'good', 'begins-later': 'warn', 'too-slow': 'bad' }[verdict];
    const told = [
      t('bench.first_audio', { time: seconds(first_audio) }),
      t('bench.real_time', { time: seconds(real_time) }),
      ...(rooms > 0 ? [t(rooms === MOST_ROOMS ? 'bench.rooms_or_more' : 'bench.rooms', { count: rooms })] : []),
    ];
    return html`<li>
      <span class="grow"><span class="name">${size}</span> ${t(`bench.precision_${precision}`)}<br>
        <span class="about">${told.join(' · ')}</span></span>
      <span class="verdict"><span class="mark ${look}">${t(`bench.verdict_${verdict}`)}</span>
        <span class="small quiet">${t(`bench.advice_${verdict}`, { time: seconds(Math.max(0, real_time - 1)) })}</span></span>
    </li>`;
  }

  /** @param {() => Promise<unknown>} act */
  async act(act) {
    try {
      await act();
    } catch (error) {
      sayError(error);
    }
    await this.load();
  }
}

customElements.define('koe-house-bench', KoeHouseBench);
