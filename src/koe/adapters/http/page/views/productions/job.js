import { post, remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { sayError } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { clock, number, t, when } from '../../lib/words.js';
import '../history/run.js';
import './items.js';

/** @typedef {import('../../api-types').Job} Job */

const ENDED = ['finished', 'failed', 'cancelled'];

/** `<koe-job .job=${job}>`: one production; tells `changed` where it was paused, cancelled, tried again or removed. */
class KoeJob extends KoeElement {
  static properties = { job: { attribute: false } };

  constructor() {
    super();
    /** @type {Job | null} */
    this.job = null;
    this.open = false;
    this.busy = false;
  }

  render() {
    const job = this.job;
    if (!job) return nothing;
    const { items, done, failed } = job.progress;
    return html`
      <div class="entry-head">
        <div class="grow">
          <p><span class="name">${job.title || t(`productions.kind_${job.kind}`)}</span> ${this.mark(job)}</p>
          <p class="about">${t(`productions.kind_${job.kind}`)} · ${when(job.created)}${items > 0 ? ` · ${t('productions.done_of', { done, items })}` : ''}</p>
        </div>
        <div class="row tools">${this.actions(job)}
          <button type="button" class="button quiet small unfold" aria-expanded=${this.open} @click=${this.unfold}>
            ${t(job.run ? 'productions.listen' : 'history.details')}${icon('down', 16)}
          </button>
        </div>
      </div>
      ${ENDED.includes(job.state) ? nothing : this.progress(job)}
      ${job.error ? html`<p class="note ${job.state === 'failed' ? 'bad' : 'warn'}">${job.error}</p>` : nothing}
      ${failed > 0 ? html`<p class="small bad-text">${t('productions.failed_items', { count: failed })}</p>` : nothing}
      ${this.open ? this.details(job) : nothing}`;
  }

  /** @param {Job} job */
  mark(job) {
    const half = job.state === 'finished' && job.progress.failed > 0;
    const kind = half ? 'warn' : { finished: 'good', running: 'good', failed: 'bad', paused: 'warn' }[/** @type {string} */ (job.state)] ?? '';
    return html`<span class="mark ${kind}">${t(`productions.state_${job.state}`)}</span>`;
  }

  /** @param {Job} job */
  progress(job) {
    const { size, size_tried: tried } = job.progress;
    const left = job.state === 'running' && job.seconds_left !== null ? t('productions.left', { time: clock(job.seconds_left) }) : '';
    const share = size > 0 ? tried / size : 0;
    return html`<div class="how-far">
      <progress max="1" .value=${share} aria-label=${t('productions.progress', { title: job.title })}></progress>
      <span class="small quiet">${number(share, { style: 'percent' })}${left ? ` · ${left}` : ''}</span>
    </div>`;
  }

  /** @param {Job} job */
  actions(job) {
    if (!ENDED.includes(job.state)) {
      const rest = job.state === 'paused' ? 'resume' : 'pause';
      return html`${this.button(rest, rest === 'resume' ? 'play' : 'pause', job)}${this.button('cancel', 'close', job)}`;
    }
    const missing = job.state === 'cancelled' || job.state === 'failed' || job.progress.done < job.progress.items;
    return html`${missing ? this.button('retry', 'again', job) : nothing}
      <button type="button" class="button quiet icon small" ?disabled=${this.busy} title=${t('app.remove')}
        aria-label=${t('productions.remove', { title: job.title })} @click=${() => void this.drop(job)}>${icon('bin', 18)}</button>`;
  }

  /** @param {'pause' | 'resume' | 'cancel' | 'retry'} verb @param {string} picture @param {Job} job */
  button(verb, picture, job) {
    return html`<button type="button" class="button small" ?disabled=${this.busy}
      @click=${() => void this.act(() => post(`api/jobs/${job.id}/${verb}`))}>${icon(picture, 16)}${t(`productions.${verb}`)}</button>`;
  }

  /** @param {Job} job */
  details(job) {
    return html`<div class="entry-more stack">
      ${job.run
        ? html`<koe-run run=${job.run}></koe-run>
            <p class="small">${job.kind === 'design'
              ? html`<a href=${link(['design'])}>${t('productions.to_design')}</a>`
              : html`<a href=${link(['history'])}>${t('productions.in_history')}</a>`}</p>`
        : nothing}
      ${job.run && job.progress.failed === 0 ? nothing : html`<koe-job-items .job=${job}></koe-job-items>`}
    </div>`;
  }

  unfold() {
    this.open = !this.open;
    this.requestUpdate();
  }

  /** @param {() => Promise<unknown>} change */
  async act(change) {
    this.busy = true;
    this.requestUpdate();
    try {
      await change();
      this.tell('changed');
    } catch (error) {
      sayError(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  /** @param {Job} job */
  async drop(job) {
    const question = t(job.run ? 'productions.remove_question' : 'productions.remove_unfinished', { title: job.title });
    if (await sure(question, t('app.remove'))) await this.act(() => remove(`api/jobs/${job.id}`));
  }
}

customElements.define('koe-job', KoeJob);
