import { address, get, post } from '../../api.js';
import '../../components/player.js';
import { KoeElement, classMap, html, nothing } from '../../lib/element.js';
import { inWords } from '../../lib/notices.js';
import { clock, t } from '../../lib/words.js';

/** @typedef {import('../../api-types').FileWords} FileWords */
/** @typedef {import('../../components/player.js').KoePlayer} KoePlayer */

/** Words that are shown at once: a chapter; a book's would make the page slow. */
const MOST = 3000;

/** `<koe-spoken .run=${details}>`: the words of a run, to be jumped to; they are timed where somebody wants them. */
class KoeSpoken extends KoeElement {
  static properties = { run: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').RunDetails | null} */
    this.run = null;
    /** @type {FileWords[]} */
    this.files = [];
    this.chosen = 0;
    this.now = -1;
    this.busy = false;
    this.failure = '';
    /** @type {HTMLAudioElement | null} */
    this.followed = null;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('run') && this.run?.has_words) void this.load(false);
    const audio = this.player?.audio;
    if (!audio || audio === this.followed) return;
    this.followed = audio;
    audio.addEventListener('timeupdate', () => this.follow(), { signal: this.gone });
  }

  /** @param {boolean} make */
  async load(make) {
    const path = `api/runs/${this.run?.id}/words`;
    this.busy = true;
    this.failure = '';
    this.requestUpdate();
    try {
      this.files = (await (make ? post(path, {}, this.gone) : get(path, {}, this.gone))).files;
    } catch (error) {
      this.failure = inWords(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  render() {
    if (!this.run) return nothing;
    if (this.files.length > 0) return this.spoken(this.files[this.chosen]);
    return html`
      <div class="row">
        <button type="button" class="button small" ?disabled=${this.busy} @click=${() => void this.load(true)}>${t('history.time_words')}</button>
        <span class="small quiet" role="status">${t(this.busy ? 'history.timing_words' : 'history.time_words_help')}</span>
      </div>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}`;
  }

  /** @param {FileWords} file */
  spoken(file) {
    const source = address(`api/runs/${this.run?.id}/files/${file.file}`);
    return html`<section class="stack spoken" aria-label=${t('history.words')}>
      <div class="row">
        <h3>${t('history.words')}</h3>
        ${this.files.length > 1 ? this.choice() : nothing}
        <span class="end row">${['srt', 'vtt'].map((format) => html`<a class="button quiet small" download="${file.file}.${format}"
          href=${address(`api/runs/${this.run?.id}/words`, { format, file: file.file })}>${t('history.subtitles', { format: format.toUpperCase() })}</a>`)}</span>
      </div>
      <koe-player .src=${source} .label=${file.file} .duration=${file.words.at(-1)?.end ?? 0}></koe-player>
      <p class="words">${file.words.slice(0, MOST).map((word, place) => html`<button type="button"
        class=${classMap({ now: place === this.now })} title=${clock(word.start)}
        @click=${() => this.jump(word.start)}>${word.word}</button> `)}</p>
      ${file.words.length > MOST ? html`<p class="small quiet">${t('history.words_cut', { most: MOST })}</p>` : nothing}
    </section>`;
  }

  choice() {
    return html`<label class="unseen" for="words-file">${t('history.words_file')}</label>
      <select id="words-file" class="input narrow" @change=${(/** @type {Event} */ event) => this.choose(/** @type {HTMLSelectElement} */ (event.target).selectedIndex)}>
        ${this.files.map((file) => html`<option>${file.file}</option>`)}
      </select>`;
  }

  /** @param {number} place */
  choose(place) {
    this.chosen = place;
    this.now = -1;
    this.requestUpdate();
  }

  get player() {
    return /** @type {KoePlayer | null} */ (this.querySelector('koe-player'));
  }

  /** @param {number} start */
  jump(start) {
    const player = this.player;
    if (!player) return;
    player.audio.currentTime = start;
    if (player.audio.paused) void player.toggle();
  }

  follow() {
    const at = this.player?.audio.currentTime ?? 0;
    const now = (this.files[this.chosen]?.words ?? []).findLastIndex((word) => word.start <= at + 0.02);
    if (now === this.now) return;
    this.now = now;
    this.requestUpdate();
  }
}

customElements.define('koe-spoken', KoeSpoken);
