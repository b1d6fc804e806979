import { events, get } from '../../api.js';
import { connection } from '../../lib/connection.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, sayError } from '../../lib/notices.js';
import { t } from '../../lib/words.js';
import { watch } from '../../lib/watching.js';
import './job.js';

/** @typedef {import('../../api-types').Job} Job */

/** Seconds between two looks at all of them; those that are worked on tell of themselves. */
const WATCHED = 4;
/** Browsers keep few connections to one server open. */
const MOST_LISTENED = 2;
const PAGE = 20;

/** `<koe-jobs>`: productions that wait, go on or have ended, with how far they are. */
class KoeJobs extends KoeElement {
  constructor() {
    super();
    /** @type {Job[] | null} */
    this.jobs = null;
    /** @type {Set<string>} */
    this.listened = new Set();
    this.shown = PAGE;
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    watch(() => this.load(), WATCHED, this.gone);
  }

  async load() {
    try {
      this.use((await get('api/jobs', {}, this.gone)).jobs);
    } catch (error) {
      // Later ones are told of by the frame: what is known stays.
      if (this.jobs === null) sayError(error);
    }
  }

  /** @param {Job[]} jobs */
  use(jobs) {
    this.jobs = jobs;
    this.requestUpdate();
    const running = jobs.filter((job) => job.state === 'running');
    // The oldest of those that wait comes next.
    const next = jobs.filter((job) => job.state === 'planning').slice(-1);
    for (const job of running.length > 0 ? running : next) {
      if (!this.listened.has(job.id) && this.listened.size < MOST_LISTENED) void this.listen(job);
    }
  }

  /** @param {Job} job */
  async listen(job) {
    this.listened.add(job.id);
    try {
      for await (const { data } of events(`api/jobs/${job.id}/events`, { signal: this.gone })) {
        // What is null isn't sent.
        this.replace({ seconds_left: null, run: null, ...data });
        if (data.state === 'finished') say(t('productions.finished', { title: data.title }));
        if (data.state === 'paused' || data.state === 'queued') break;
      }
    } catch {
      // The next look finds out how it is.
    }
    this.listened.delete(job.id);
  }

  /** @param {Job} job */
  replace(job) {
    this.jobs = (this.jobs ?? []).map((each) => (each.id === job.id ? job : each));
    this.requestUpdate();
  }

  render() {
    if (!this.jobs || this.jobs.length === 0) return nothing;
    return html`<section class="part" @changed=${() => void this.load()}>
      <h2>${t('productions.jobs')}</h2>
      <ul class="list jobs">${repeat(this.jobs.slice(0, this.shown), (job) => job.id, (job) => html`<li><koe-job .job=${job}></koe-job></li>`)}</ul>
      ${this.jobs.length > this.shown
        ? html`<button type="button" class="button" @click=${this.more}>${t('productions.older')}</button>`
        : nothing}
    </section>`;
  }

  more() {
    this.shown += PAGE;
    this.requestUpdate();
  }
}

customElements.define('koe-jobs', KoeJobs);
