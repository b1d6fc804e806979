// Speech that is played while it is still being made.
//   const player = new SpeechPlayer()          in the click: browsers let nothing else make a sound
//   await player.play({ input, voice })        until it was heard to its end, or stopped
import { ApiError, ask, eventsOf } from '../api.js';
import { Output } from './output.js';
import { scaled, slices } from './peaks.js';
import { floatsOf } from './samples.js';
import { wav } from './wav.js';

export const RATE = 24000;
/** Samples in a bar of the waveform. */
const SLICE = RATE / 20;

/**
 * Events: `change` whenever something of it has changed.
 * `state`: 'waiting' for the first sound, 'speaking', 'ended', 'stopped', 'failed'.
 */
export class SpeechPlayer extends EventTarget {
  constructor() {
    super();
    this.output = new Output(RATE, () => this.changed());
    this.stopping = new AbortController();
    this.state = 'waiting';
    this.whole = false;
    /** @type {Int16Array[]} */
    this.pieces = [];
    this.samples = 0;
    /** @type {number[]} */
    this.raw = [];
    /** @type {number[]} */
    this.peaks = [];
    /** @type {number | null} Seconds. */
    this.firstAudio = null;
    this.madeIn = 0;
    this.voice = '';
    /** Why another voice speaks in the place of the one that was asked for, if it does. */
    this.fallback = '';
    /** @type {string | null} */
    this.seed = null;
  }

  /** Seconds that have been made. */
  get duration() {
    return this.samples / RATE;
  }

  /** From 0 to 1: how much of it has been heard. */
  get progress() {
    return this.samples > 0 ? this.output.played / this.samples : 0;
  }

  /** Whether more is waited for, because it is made more slowly than it is heard. */
  get starved() {
    return this.output.waiting && this.samples > 0 && !this.whole;
  }

  /** How many times faster than it is spoken it was made; null while too little is known. */
  get pace() {
    const working = this.madeIn - (this.firstAudio ?? 0);
    return this.duration > 0.5 && working > 0.02 ? this.duration / this.madeIn : null;
  }

  /** @param {{[name: string]: unknown}} body Of POST v1/audio/speech. */
  async play(body) {
    try {
      await this.receive(body, performance.now());
      this.whole = true;
      this.changed();
      await this.output.finish();
      this.end(this.stopping.signal.aborted ? 'stopped' : 'ended');
    } catch (error) {
      this.end(this.stopping.signal.aborted ? 'stopped' : 'failed');
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  /** @param {{[name: string]: unknown}} body @param {number} begun */
  async receive(body, begun) {
    const asked = { ...body, response_format: 'pcm', sample_rate: RATE, stream_format: 'sse' };
    const answer = await ask('v1/audio/speech', { body: asked, signal: this.stopping.signal });
    this.voice = answer.headers.get('X-Koe-Voice') ?? '';
    this.seed = answer.headers.get('X-Koe-Seed');
    this.fallback = decodeURIComponent(answer.headers.get('X-Koe-Fallback') ?? '');
    for await (const { event, data } of eventsOf(answer)) {
      if (event === 'speech.audio.error') throw new ApiError(502, data.error);
      if (event === 'speech.audio.delta') this.take(unpacked(data.audio), begun);
    }
  }

  /** @param {Int16Array<ArrayBuffer>} piece @param {number} begun */
  take(piece, begun) {
    const floats = floatsOf(piece);
    this.firstAudio ??= (performance.now() - begun) / 1000;
    this.madeIn = (performance.now() - begun) / 1000;
    this.pieces.push(piece);
    this.samples += piece.length;
    this.raw.push(...slices(floats, SLICE));
    this.peaks = scaled(this.raw);
    this.state = 'speaking';
    this.output.feed(floats);
  }

  stop() {
    this.stopping.abort();
    this.output.close();
  }

  /** What has come so far, as a file. */
  file() {
    return wav(this.pieces, RATE);
  }

  /** @param {string} state */
  end(state) {
    this.state = state;
    this.output.close();
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {string} encoded Base64 of whole samples. */
function unpacked(encoded) {
  return new Int16Array(Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)).buffer);
}
