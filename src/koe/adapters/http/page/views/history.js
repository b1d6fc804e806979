import { get } from '../api.js';
import { icon } from '../components/icons.js';
import '../components/voice-picker.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html, nothing, repeat } from '../lib/element.js';
import { inWords, sayError } from '../lib/notices.js';
import { here, link } from '../lib/router.js';
import { loadVoices } from '../lib/voices.js';
import { watch } from '../lib/watching.js';
import { t } from '../lib/words.js';
import './history/entry.js';
import { asked, someChosen, TASKS } from './history/filters.js';

const PAGE = 30;
/** Milliseconds without a key until it is looked for. */
const PAUSE = 250;
/** Seconds between two looks. */
const WATCHED = 5;

/** `#/history?q=laundry&favourite=yes`: what was kept, found by what it says and by what is known of it. */
class KoeHistory extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Run[] | null} */
    this.runs = null;
    /** @type {import('../api-types').Voice[]} */
    this.voices = [];
    /** @type {string | null} */
    this.next = null;
    this.further = false;
    this.failure = '';
    /** @type {{done: number, total: number} | null} */
    this.indexing = null;
    /** @type {{[name: string]: string}} */
    this.chosen = {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.asking = new AbortController();
  }

  connectedCallback() {
    super.connectedCallback();
    this.chosen = Object.fromEntries(here().query);
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    this.gone.addEventListener('abort', () => clearTimeout(this.timer));
    // What is spoken meanwhile comes to the top, as long as nobody reads further down.
    watch(async () => { if (!this.further && connection.state === 'there') await this.load(); }, WATCHED, this.gone);
    loadVoices(this.gone).then((voices) => {
      this.voices = voices;
      this.requestUpdate();
    }, sayError);
  }

  /** The first page, or the next one behind what is shown. @param {string | null} [cursor] */
  async load(cursor = null) {
    // An answer that is late must not replace a newer one.
    this.asking.abort();
    this.further = cursor !== null;
    this.asking = new AbortController();
    const signal = AbortSignal.any([this.gone, this.asking.signal]);
    try {
      const found = await get('api/history', { ...asked(this.chosen), cursor, limit: PAGE }, signal);
      this.runs = cursor ? [...(this.runs ?? []), ...found.runs] : found.runs;
      this.next = found.next;
      this.indexing = found.indexing;
      this.failure = '';
    } catch (error) {
      if (signal.aborted) return;
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }

  render() {
    return html`
      <div class="head"><h1 tabindex="-1">${t('nav.history')}</h1></div>
      ${this.runs?.length === 0 && !someChosen(this.chosen) ? nothing : this.finder()}
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      ${this.indexing ? html`<p class="note" role="status">${t('history.indexing', this.indexing)}</p>` : nothing}
      ${this.runs ? this.list(this.runs) : nothing}`;
  }

  finder() {
    return html`<form class="finder" role="search" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <div class="field looked-for">
          <label class="unseen" for="history-q">${t('history.search')}</label>
          ${icon('search', 18)}
          <input id="history-q" class="input" type="search" maxlength="200" autocomplete="off" .value=${this.chosen.q ?? ''}
            placeholder=${t('history.search')} @input=${this.write}>
        </div>
        <button type="button" class="button quiet" aria-pressed=${this.chosen.favourite === 'yes'}
          @click=${() => this.choose('favourite', this.chosen.favourite ? '' : 'yes')}>
          ${icon('star', 18, this.chosen.favourite === 'yes')}${t('history.favourites')}
        </button>
        ${this.filters()}
      </form>`;
  }

  filters() {
    const { voice, task, from, to } = this.chosen;
    return html`<details class="more" ?open=${Boolean(voice || task || from || to)}>
      <summary>${t('history.filters')}</summary>
      <div class="grid">
        <koe-voice-picker .voices=${this.voices} .value=${voice ?? ''} .label=${t('history.voice')} house=${t('history.all')}
          @pick=${(/** @type {CustomEvent<string>} */ event) => this.choose('voice', event.detail)}></koe-voice-picker>
        <div class="field">
          <label for="history-task">${t('history.task')}</label>
          <select id="history-task" class="input" @change=${this.take('task')}>
            <option value="">${t('history.all')}</option>
            ${TASKS.map((name) => html`<option value=${name} ?selected=${name === task}>${t(`history.task_${name}`)}</option>`)}
          </select>
        </div>
        ${['from', 'to'].map((name) => html`<div class="field">
          <label for="history-${name}">${t(name === 'from' ? 'history.from' : 'history.to')}</label>
          <input id="history-${name}" class="input" type="date" .value=${this.chosen[name] ?? ''} @change=${this.take(name)}>
        </div>`)}
      </div>
    </details>`;
  }

  /** @param {import('../api-types').Run[]} runs */
  list(runs) {
    if (runs.length === 0) return this.failure ? nothing : this.empty();
    return html`
      <ul class="list runs" @changed=${this.change} @removed=${this.drop} @made=${() => void this.load()}>
        ${repeat(runs, (run) => run.id, (run) => html`<li><koe-history-entry .run=${run} .voice=${this.named(run.voice)}></koe-history-entry></li>`)}
      </ul>
      ${this.next
        ? html`<button type="button" class="button" @click=${() => void this.load(this.next)}>${t('history.more')}</button>`
        : nothing}`;
  }

  empty() {
    if (someChosen(this.chosen)) {
      return html`<div class="empty" role="status">
        <h2>${t('history.none_found')}</h2>
        <p>${t('history.none_found_help')}</p>
        <button type="button" class="button" @click=${this.forget}>${t('history.show_all')}</button>
      </div>`;
    }
    return html`<div class="empty">
      <h2>${t('history.empty')}</h2>
      <p>${t('history.empty_help')}</p>
      <div class="row">
        <a class="button primary" href=${link(['speak'])}>${t('history.to_speak')}</a>
        <a class="button" href=${link(['productions'])}>${t('history.to_productions')}</a>
      </div>
    </div>`;
  }

  /** @param {string} voice */
  named(voice) {
    return this.voices.find((each) => each.id === voice)?.name ?? voice;
  }

  /** @param {Event} event */
  write(event) {
    this.chosen.q = /** @type {HTMLInputElement} */ (event.target).value;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.choose('q', this.chosen.q), PAUSE);
  }

  /** @param {string} name */
  take(name) {
    return (/** @type {Event} */ event) => this.choose(name, /** @type {HTMLInputElement} */ (event.target).value);
  }

  /** @param {string} name @param {string} value */
  choose(name, value) {
    this.chosen = Object.fromEntries(Object.entries({ ...this.chosen, [name]: value }).filter((each) => each[1]));
    // Reloaded or sent to somebody, the page shows the same.
    history.replaceState(null, '', link(['history'], this.chosen));
    this.requestUpdate();
    void this.load();
  }

  forget() {
    this.chosen = {};
    this.choose('q', '');
  }

  /** @param {CustomEvent<import('../api-types').Run>} event */
  change(event) {
    this.runs = (this.runs ?? []).map((run) => (run.id === event.detail.id ? { ...run, ...event.detail } : run));
    this.requestUpdate();
  }

  /** @param {CustomEvent<string>} event */
  drop(event) {
    this.runs = (this.runs ?? []).filter((run) => run.id !== event.detail);
    this.requestUpdate();
    this.querySelector('h1')?.focus();
  }
}

customElements.define('koe-history', KoeHistory);
