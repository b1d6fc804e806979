import { upload } from '../api.js';
import { KoeElement, html, live, nothing } from '../lib/element.js';
import { sayError, sentence, withoutField } from '../lib/notices.js';
import { clock, number, t } from '../lib/words.js';
import { icon } from './icons.js';
import { hush } from './player.js';
import './trim.js';

let made = 0;

/**
 * `<koe-clip .clip=${Clip} .transcribes=${true}>`: a recording that is to become part of a voice; where the server knows
 * somebody who `transcribes`, that is asked at once. Tells `discard` where the recording isn't wanted any more.
 */
class KoeClip extends KoeElement {
  static properties = { clip: { attribute: false }, language: {}, transcribes: { type: Boolean } };

  constructor() {
    super();
    /** @type {import('../audio/clip.js').Clip} */
    this.clip = /** @type {never} */ (null);
    this.language = '';
    this.transcribes = false;
    this.field = `clip-${++made}`;
    this.writing = false;
    this.unwritten = '';
    this.audio = new Audio();
    for (const name of ['play', 'pause', 'ended']) this.audio.addEventListener(name, () => this.requestUpdate());
    this.audio.addEventListener('play', () => this.follow());
  }

  connectedCallback() {
    super.connectedCallback();
    this.clip.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
    this.audio.src = this.clip.url;
    if (!this.clip.transcript && this.transcribes) void this.write();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.audio.pause();
  }

  render() {
    const clip = this.clip;
    const playing = !this.audio.paused;
    return html`
      <div class="row">
        <button type="button" class="button icon ${playing ? 'primary' : ''}" @click=${() => void this.play()}
          aria-label="${playing ? t('player.pause') : t('player.play')}: ${clip.name}">${icon(playing ? 'pause' : 'play', 18)}</button>
        <span class="name grow">${clip.name}</span>
        ${clip.sound ? html`<span class="small quiet">${clock(clip.end - clip.start)}</span>` : nothing}
        <button type="button" class="button quiet icon small" aria-label=${t('voices.drop_clip', { name: clip.name })}
          @click=${() => this.tell('discard')}>${icon('close', 16)}</button>
      </div>
      ${clip.sound
        ? html`<koe-trim .label=${clip.name} .peaks=${clip.peaks} .duration=${clip.duration} .start=${clip.start}
            .end=${clip.end} .at=${this.audio.currentTime} @trim=${this.trim} @trimmed=${() => void clip.check()}
            @seek=${this.seek}></koe-trim>`
        : nothing}
      ${this.verdict()}
      ${this.words()}`;
  }

  verdict() {
    const { busy, checked, refused } = this.clip;
    if (busy) return html`<p class="small quiet" role="status">${t('voices.checking')}</p>`;
    if (refused) return html`<p class="note bad" role="alert">${refused}</p>`;
    if (!checked) return nothing;
    const one = (/** @type {number} */ value) => number(value, { maximumFractionDigits: 0 });
    return html`<div role="status" class="stack tight">
      <p class="small verdict">${checked.warnings.length === 0 ? html`<span class="mark good">${icon('check', 14)}${t('voices.clip_good')}</span>` : nothing}
        <span class="figures">${t('voices.figures', {
          seconds: number(checked.duration, { maximumFractionDigits: 1 }), level: one(checked.level), noise: one(checked.above_noise),
        })}</span></p>
      ${checked.warnings.map((warning) => html`<p class="note warn small">${sentence(warning)}</p>`)}
    </div>`;
  }

  words() {
    return html`<div class="field">
      <label for=${this.field}>${t('voices.transcript')}</label>
      <textarea id=${this.field} class="input short" rows="2" aria-describedby="${this.field}-hint" .value=${live(this.clip.transcript)}
        placeholder=${this.writing ? t('voices.listening') : ''} @input=${this.type}></textarea>
      <div class="row beneath">
        <p class="hint small" id="${this.field}-hint">${t('voices.transcript_hint')}</p>
        <button type="button" class="button quiet small end" ?disabled=${this.writing} @click=${() => void this.write()}>
          ${this.writing ? t('voices.listening') : t('voices.write')}</button>
      </div>
      ${this.unwritten ? html`<p class="wrong" role="alert">${this.unwritten}</p>` : nothing}
    </div>`;
  }

  /** @param {Event} event */
  type(event) {
    this.clip.transcript = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this.clip.changed();
  }

  /** Asks the speech-to-text server. */
  async write() {
    this.writing = true;
    this.unwritten = '';
    this.requestUpdate();
    const form = new FormData();
    form.append('audio', this.clip.part(), 'clip');
    if (this.language) form.append('language', this.language);
    try {
      const { text } = await upload('api/voices/transcribe', form, {}, this.gone);
      this.clip.transcript = text;
      this.clip.changed();
    } catch (error) {
      this.unwritten = withoutField(error);
    }
    this.writing = false;
    this.requestUpdate();
  }

  /** @param {CustomEvent<{start: number, end: number}>} event */
  trim(event) {
    this.audio.pause();
    this.clip.trim(event.detail.start, event.detail.end);
  }

  /** @param {CustomEvent<number>} event */
  seek(event) {
    this.audio.currentTime = event.detail * this.clip.duration;
    this.requestUpdate();
  }

  async play() {
    if (!this.audio.paused) return this.audio.pause();
    hush();
    const { start, end, sound } = this.clip;
    const at = this.audio.currentTime;
    if (sound && (at < start || at >= end - 0.05)) this.audio.currentTime = start;
    try {
      await this.audio.play();
    } catch (error) {
      // Paused again before it began is no failure.
      if (!(error instanceof DOMException && error.name === 'AbortError')) sayError(new Error(t('player.failed')));
    }
  }

  follow() {
    if (this.audio.paused || this.gone.aborted) return;
    if (this.clip.sound && this.audio.currentTime >= this.clip.end) this.audio.pause();
    this.requestUpdate();
    requestAnimationFrame(() => this.follow());
  }
}

customElements.define('koe-clip', KoeClip);
