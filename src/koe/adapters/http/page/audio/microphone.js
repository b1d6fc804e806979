// What the microphone hears, as it is: no browser's idea of a better voice between it and the model.
//   const microphone = new Microphone();
//   await microphone.open();            asks its user
//   const file = microphone.stop();     a WAV
import { scaled } from './peaks.js';
import { wav } from './wav.js';

/** Seconds: no more can be used. */
export const LONGEST = 30;
/** Seconds: what makes the best clip. */
export const IDEAL = { from: 3, to: 10 };
const TOO_LOUD = 0.99;
/** RMS of -36 dBFS over the loudest pieces: less is refused or full of noise. */
const TOO_SOFT = 0.016;
const LEAST_ABOVE_NOISE = 17;
/** Seconds until its background can be told from a voice. */
const TELLING = 2;

/** @typedef {'good' | 'wait' | 'bad'} Verdict */

/** Whether this browser lets this page hear at all: only over https, or on the machine itself. */
export const mayHear = () => window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);

/** Events: `change` for every piece, `full` when no more can be used. */
export class Microphone extends EventTarget {
  constructor() {
    super();
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Int16Array[]} */
    this.pieces = [];
    this.samples = 0;
    /** @type {number[]} The loudest sample of each piece. */
    this.peaks = [];
    /** @type {number[]} The RMS of each piece. */
    this.levels = [];
  }

  get seconds() {
    return this.context ? this.samples / this.context.sampleRate : 0;
  }

  /** From 0 to 1, as it looks. */
  get bars() {
    return scaled(this.peaks);
  }

  /** How loud it is now, from 0 (-60 dBFS) to 1. */
  get level() {
    const now = Math.max(0, ...this.levels.slice(-3));
    return Math.min(1, Math.max(0, 1 + decibels(now) / 60));
  }

  /** Rejects with a DOMException where it may not, or can't. */
  async open() {
    const wanted = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL('microphone-worklet.js', import.meta.url));
    const node = new AudioWorkletNode(this.context, 'koe-microphone', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    node.port.onmessage = ({ data }) => this.take(data);
    this.context.createMediaStreamSource(this.stream).connect(node);
    await this.context.resume();
  }

  /** @param {Float32Array} heard */
  take(heard) {
    if (!this.stream) return;
    this.pieces.push(Int16Array.from(heard, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768)))));
    this.samples += heard.length;
    this.peaks.push(heard.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
    this.levels.push(Math.sqrt(heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length));
    this.dispatchEvent(new Event('change'));
    if (this.seconds >= LONGEST) this.dispatchEvent(new Event('full'));
  }

  /** What of it would do for a voice, as far as it is heard. @returns {{length: Verdict, level: Verdict, noise: Verdict, clipped: boolean}} */
  get checks() {
    const sorted = [...this.levels].sort((one, other) => one - other);
    const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const clipped = this.peaks.filter((peak) => peak >= TOO_LOUD).length > 2;
    const soft = at(0.9) < TOO_SOFT;
    const early = this.seconds < TELLING;
    // Digital silence between the words is a gate's, not a room's.
    const noisy = at(0.9) > 0 && at(0.05) > 0 && decibels(at(0.9) / at(0.05)) < LEAST_ABOVE_NOISE;
    return {
      length: this.seconds < IDEAL.from ? 'wait' : this.seconds <= IDEAL.to ? 'good' : 'bad',
      level: clipped ? 'bad' : soft ? (early ? 'wait' : 'bad') : 'good',
      noise: early || soft ? 'wait' : noisy ? 'bad' : 'good',
      clipped,
    };
  }

  /** Ends it; null where nothing was heard. */
  stop() {
    const rate = this.context?.sampleRate ?? 0;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    void this.context?.close().catch(() => {});
    return this.samples > 0 ? wav(this.pieces, rate) : null;
  }
}

/** @param {number} level */
function decibels(level) {
  return level > 0 ? 20 * Math.log10(level) : -120;
}
