import { peaksOf } from '../audio/peaks.js';
import { KoeElement, html } from '../lib/element.js';
import { sayError } from '../lib/notices.js';
import { clock, t } from '../lib/words.js';
import { icon } from './icons.js';
import './waveform.js';

/** Longer ones are played without being looked at first. */
const MOST_BYTES = 24 * 1024 * 1024;

/** @type {KoePlayer | null} One at a time speaks. */
let speaking = null;

/** Whoever begins to make a sound silences the players. */
export function hush() {
  speaking?.audio.pause();
}

/**
 * `<koe-player src="..." label="what is heard">`: plays a sound with its waveform. `src` is relative to the page
 * (`api/runs/…/files/audio.wav`, made full with address()) or a blob's. The sound is fetched when it is played first,
 * or with `eager` at once.
 */
export class KoePlayer extends KoeElement {
  static properties = { src: {}, label: {}, eager: { type: Boolean }, duration: { type: Number } };

  constructor() {
    super();
    this.src = '';
    this.label = '';
    this.eager = false;
    /** Seconds, where they are known before it is loaded. */
    this.duration = 0;
    /** @type {number[]} */
    this.peaks = [];
    this.audio = new Audio();
    this.audio.preload = 'none';
    for (const name of ['play', 'pause', 'ended', 'durationchange', 'timeupdate']) {
      this.audio.addEventListener(name, () => this.requestUpdate());
    }
    this.audio.addEventListener('play', () => this.follow());
    this.audio.addEventListener('error', () => this.fails());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.audio.pause();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (!changed.has('src')) return;
    this.peaks = [];
    this.audio.src = this.src;
    if (this.eager && this.src) void this.look();
  }

  render() {
    const { paused, currentTime } = this.audio;
    const whole = this.length;
    return html`
      <button type="button" class="button icon ${paused ? '' : 'primary'}" ?disabled=${!this.src} @click=${() => void this.toggle()}
        aria-label="${paused ? t('player.play') : t('player.pause')}${this.label ? `: ${this.label}` : ''}">
        ${icon(paused ? 'play' : 'pause', 18)}
      </button>
      <koe-waveform class="low" seekable .label=${this.label} .peaks=${this.peaks} .duration=${whole}
        .progress=${whole ? currentTime / whole : 0} @seek=${this.seek}></koe-waveform>
      <span class="time">${clock(currentTime)}${whole ? ` / ${clock(whole)}` : ''}</span>`;
  }

  get length() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.duration;
  }

  async toggle() {
    if (!this.audio.paused) return this.audio.pause();
    if (speaking !== this) hush();
    speaking = this;
    void this.look();
    try {
      await this.audio.play();
    } catch (error) {
      sayError(error);
    }
  }

  /** @param {CustomEvent<number>} event */
  seek(event) {
    if (!this.length) return;
    this.audio.currentTime = event.detail * this.length;
    this.requestUpdate();
  }

  /** Its waveform. */
  async look() {
    if (this.peaks.length > 0) return;
    try {
      const answer = await fetch(this.src, { signal: this.gone });
      if (!answer.ok || Number(answer.headers.get('Content-Length') ?? 0) > MOST_BYTES) return;
      const found = await peaksOf(await answer.arrayBuffer());
      this.peaks = found.peaks;
      this.duration = found.duration;
      this.requestUpdate();
    } catch {
      // It can be heard all the same, or playing it tells why not.
    }
  }

  follow() {
    if (this.audio.paused || this.gone.aborted) return;
    this.requestUpdate();
    requestAnimationFrame(() => this.follow());
  }

  fails() {
    if (this.src && this.audio.error) sayError(new Error(t('player.failed')));
  }
}

customElements.define('koe-player', KoePlayer);
