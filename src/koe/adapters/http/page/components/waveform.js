import { KoeElement } from '../lib/element.js';
import { clock, t } from '../lib/words.js';

const PITCH = 4;
const BAR = 2;
const STEP = 0.05;

/**
 * `<koe-waveform .peaks=${[0.1, 0.8]} .progress=${0.5} .duration=${3.2} label="..." seekable>`: bars, those that were
 * heard in the page's colour. While peaks still arrive (`growing`) they fill from the left. Where it is `seekable` it
 * is a slider, and tells `seek` with a share from 0 to 1.
 */
class KoeWaveform extends KoeElement {
  static properties = {
    peaks: { attribute: false },
    progress: { type: Number },
    duration: { type: Number },
    growing: { type: Boolean },
    seekable: { type: Boolean },
    label: {},
  };

  constructor() {
    super();
    /** @type {number[]} From 0 to 1. */
    this.peaks = [];
    this.progress = 0;
    this.duration = 0;
    this.growing = false;
    this.seekable = false;
    this.label = '';
    this.canvas = document.createElement('canvas');
  }

  connectedCallback() {
    super.connectedCallback();
    this.append(this.canvas);
    const options = { signal: this.gone };
    this.addEventListener('pointerdown', (event) => this.point(event), options);
    this.addEventListener('keydown', (event) => this.press(event), options);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw(), options);
    const sizes = new ResizeObserver(() => this.draw());
    sizes.observe(this);
    // The switch in the frame changes the colours without a word to anybody.
    const themes = new MutationObserver(() => this.draw());
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.gone.addEventListener('abort', () => {
      sizes.disconnect();
      themes.disconnect();
    });
  }

  render() {
    return this.canvas;
  }

  updated() {
    if (this.seekable) {
      this.tabIndex = 0;
      this.setAttribute('role', 'slider');
      this.setAttribute('aria-valuemin', '0');
      this.setAttribute('aria-valuemax', '100');
      this.setAttribute('aria-valuenow', String(Math.round(this.progress * 100)));
      const at = { at: clock(this.progress * this.duration), of: clock(this.duration) };
      this.setAttribute('aria-valuetext', t('player.at', at));
    } else {
      this.removeAttribute('tabindex');
      this.setAttribute('role', 'img');
    }
    this.setAttribute('aria-label', this.label || t('player.waveform'));
    this.draw();
  }

  draw() {
    const { width, height } = this.getBoundingClientRect();
    const context = this.canvas.getContext('2d');
    if (!context || width === 0) return;
    const scale = devicePixelRatio;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    const style = getComputedStyle(this);
    const [heard, rest] = [style.getPropertyValue('--accent'), style.getPropertyValue('--edge')].map(resolved);
    const bars = fitted(this.peaks, Math.floor(width / PITCH), this.growing);
    const played = this.progress * (this.growing ? this.peaks.length / Math.max(bars.length, 1) : 1);
    for (const [place, peak] of bars.entries()) {
      const tall = Math.max(2, peak * (height - 4));
      context.fillStyle = place < played * bars.length ? heard : rest;
      context.globalAlpha = peak < 0 ? 0.35 : 1;
      context.beginPath();
      context.roundRect(place * PITCH, (height - tall) / 2, BAR, tall, BAR / 2);
      context.fill();
    }
  }

  /** @param {PointerEvent} event */
  point(event) {
    if (!this.seekable || event.button !== 0) return;
    const { left, width } = this.getBoundingClientRect();
    this.tell('seek', Math.min(1, Math.max(0, (event.clientX - left) / width)));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    /** @type {{[key: string]: number}} */
    const targets = { ArrowLeft: this.progress - STEP, ArrowRight: this.progress + STEP, Home: 0, End: 1 };
    const target = targets[event.key];
    if (!this.seekable || target === undefined) return;
    event.preventDefault();
    this.tell('seek', Math.min(1, Math.max(0, target)));
  }
}

/**
 * As many bars as there is room for; -1 stands where nothing has come yet.
 * @param {number[]} peaks @param {number} room @param {boolean} growing
 */
function fitted(peaks, room, growing) {
  if (peaks.length === 0 || (growing && peaks.length < room)) {
    return [...peaks, ...Array.from({ length: Math.max(0, room - peaks.length) }, () => -1)];
  }
  return Array.from({ length: room }, (_, place) => {
    const from = Math.floor((place * peaks.length) / room);
    const to = Math.max(from + 1, Math.floor(((place + 1) * peaks.length) / room));
    return Math.max(...peaks.slice(from, to));
  });
}

/** What a canvas understands: it knows no light-dark(). @param {string} colour */
function resolved(colour) {
  probe.style.color = colour;
  if (!probe.isConnected) document.body.append(probe);
  return getComputedStyle(probe).color;
}

const probe = document.createElement('span');
probe.hidden = true;

customElements.define('koe-waveform', KoeWaveform);
