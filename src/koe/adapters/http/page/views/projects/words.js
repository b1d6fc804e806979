import { ApiError, get, post } from '../../api.js';
import { KoeElement, classMap, html, nothing } from '../../lib/element.js';
import { inWords } from '../../lib/notices.js';
import { endOf } from '../../lib/timeline.js';
import { number, t } from '../../lib/words.js';

/** @typedef {import('../../api-types').FileWords} FileWords */
/** @typedef {import('../../api-types').ProjectClip} ProjectClip */
/** @typedef {import('../../api-types').TimedWord} TimedWord */

/** Words that are shown at once. */
const MOST = 1000;

/** `<koe-clip-words .sound .piece .at=${1.5}>`: what is said in a sound of the history. Tells `place` with a word's time. */
class KoeClipWords extends KoeElement {
  static properties = { sound: { attribute: false }, piece: { attribute: false }, at: { type: Number } };

  constructor() {
    super();
    /** @type {ProjectClip | undefined} */
    this.sound = undefined;
    /** @type {import('../../lib/timeline.js').Piece} */
    this.piece = /** @type {never} */ (null);
    this.at = 0;
    /** @type {TimedWord[]} */
    this.words = [];
    /** Whether the run that it is of is still there: only so its words can be found out. */
    this.there = false;
    this.lost = false;
    this.busy = false;
    this.failure = '';
  }

  /** @param {Map<string, ProjectClip | undefined>} changed */
  willUpdate(changed) {
    if (!changed.has('sound') || changed.get('sound')?.id === this.sound?.id) return;
    Object.assign(this, { words: [], there: false, lost: false, failure: '' });
    if (this.sound?.run) void this.load(this.sound);
  }

  /** @param {ProjectClip} sound */
  async load(sound) {
    try {
      const { has_words } = await get(`api/runs/${sound.run}`, {}, this.gone);
      const files = has_words ? (await get(`api/runs/${sound.run}/words`, {}, this.gone)).files : [];
      this.take(sound, files);
    } catch (error) {
      // What was copied of it stays.
      this.lost = sound.id === this.sound?.id && error instanceof ApiError && error.status === 404;
      this.requestUpdate();
    }
  }

  async make() {
    const { sound } = this;
    if (!sound) return;
    this.busy = true;
    this.failure = '';
    this.requestUpdate();
    try {
      this.take(sound, (await post(`api/runs/${sound.run}/words`, {}, this.gone)).files);
    } catch (error) {
      if (sound.id === this.sound?.id) this.failure = inWords(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  /** Unless another one was chosen meanwhile. @param {ProjectClip} sound @param {FileWords[]} files */
  take(sound, files) {
    if (sound.id !== this.sound?.id) return;
    this.there = true;
    this.words = files.find((each) => each.file === sound.file)?.words ?? [];
    this.requestUpdate();
  }

  render() {
    if (this.lost) return html`<p class="small quiet">${t('projects.run_removed')}</p>`;
    if (!this.there) return nothing;
    if (this.words.length > 0) return this.spoken();
    return html`
      <div class="row">
        <button type="button" class="button small" ?disabled=${this.busy} @click=${() => void this.make()}>${t('history.time_words')}</button>
        <span class="small quiet" role="status">${t(this.busy ? 'history.timing_words' : 'projects.time_words_help')}</span>
      </div>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}`;
  }

  spoken() {
    const { piece, at } = this;
    const begin = piece.start - piece.trimStart;
    const heard = this.words
      .map(({ word, start, end }) => ({ word, start: begin + start, end: begin + end }))
      .filter(({ start, end }) => end > piece.start && start < endOf(piece));
    const now = heard.findLastIndex(({ start }) => start <= at + 0.001);
    return html`<h3>${t('history.words')}</h3>
      <ol class="timed-words" aria-label=${t('history.words')}>${heard.slice(0, MOST).map(({ word, start, end }, place) => html`<li>
        <button type="button" class=${classMap({ now: place === now && at < end })} @click=${() => this.tell('place', Math.max(piece.start, start))}
          >${word}<span class="when"> ${t('voices.seconds', { seconds: number(start, { maximumFractionDigits: 1, minimumFractionDigits: 1 }) })}</span></button>
      </li>`)}</ol>
      ${heard.length > MOST ? html`<p class="small quiet">${t('history.words_cut', { most: MOST })}</p>` : nothing}
      ${heard.length === 0 ? html`<p class="small quiet">${t('projects.no_words')}</p>` : nothing}`;
  }
}

customElements.define('koe-clip-words', KoeClipWords);
