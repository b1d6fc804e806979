import { address, get } from '../../api.js';
import '../../components/player.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { inWords } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

/** @typedef {import('../../api-types').JobItem} JobItem */

const PAGE = 10;

/** `<koe-job-items .job=${job}>`: what a job has to speak, and what became of it; once it is a run, only what failed. */
class KoeJobItems extends KoeElement {
  static properties = { job: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Job | null} */
    this.job = null;
    /** @type {JobItem[] | null} */
    this.items = null;
    this.wanted = PAGE;
    this.failure = '';
    this.known = '';
    this.loading = false;
  }

  updated() {
    const job = this.job;
    // Only where something has come that is to be seen.
    const now = job ? `${job.id} ${job.state} ${Math.min(job.progress.done, this.wanted)} ${job.progress.failed} ${job.progress.items} ${this.wanted}` : '';
    if (!job || this.loading || now === this.known) return;
    this.known = now;
    void this.load(job);
  }

  /** @param {import('../../api-types').Job} job */
  async load(job) {
    this.loading = true;
    try {
      const state = job.run ? 'failed' : undefined;
      this.items = (await get(`api/jobs/${job.id}/items`, { state, limit: this.wanted }, this.gone)).items;
      this.failure = '';
    } catch (error) {
      this.failure = inWords(error);
    }
    this.loading = false;
    this.requestUpdate();
  }

  render() {
    if (this.failure) return html`<p class="note bad" role="alert">${this.failure}</p>`;
    const items = this.items;
    if (!items || !this.job) return nothing;
    const all = this.job.run ? this.job.progress.failed : this.job.progress.items;
    return html`<ul class="list items">${repeat(items, (item) => item.number, (item) => html`<li>${this.item(item)}</li>`)}</ul>
      ${all > items.length ? html`<button type="button" class="button small" @click=${this.more}>${t('productions.more_of', { count: all - items.length })}</button>` : nothing}`;
  }

  /** @param {JobItem} item */
  item(item) {
    const source = address(`api/jobs/${this.job?.id}/items/${item.number}/audio`);
    return html`<div class="grow">
        ${item.group ? html`<p class="about">${item.group}</p>` : nothing}
        <p class="said">${item.text}</p>
        ${item.error ? html`<p class="small bad-text">${item.error}</p>` : nothing}
        ${item.state === 'done' && !this.job?.run
          ? html`<koe-player .src=${source} .label=${item.text.slice(0, 60)} .duration=${item.seconds ?? 0}></koe-player>`
          : nothing}
      </div>
      ${item.state === 'done' ? nothing : html`<span class="mark ${item.state === 'failed' ? 'bad' : ''}">${t(`productions.item_${item.state}`)}</span>`}`;
  }

  more() {
    this.wanted = Math.min(1000, this.wanted * 4);
    this.requestUpdate();
  }
}

customElements.define('koe-job-items', KoeJobItems);
