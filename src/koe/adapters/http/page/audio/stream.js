// Speech that is played while it is still being made.
//   const player = new SpeechPlayer()          in the click: browsers let nothing else make a sound
//   await player.play({ input, voice })        until it was heard to its end, or stopped
import { ApiError, ask, eventsOf } from '../api.js';
import { connection } from '../lib/connection.js';
import { scaled, slices } from './peaks.js';
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
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
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
    this.played = 0;
    this.starved = false;
    /** @type {number | null} Seconds. */
    this.firstAudio = null;
    this.madeIn = 0;
    this.voice = '';
    /** @type {string | null} */
    this.seed = null;
  }

  /** Seconds that have been made. */
  get duration() {
    return this.samples / RATE;
  }

  get progress() {
    return this.samples > 0 ? this.played / this.samples : 0;
  }

  /** How many times faster than it is spoken it was made; null while too little is known. */
  get pace() {
    const working = this.madeIn - (this.firstAudio ?? 0);
    return this.duration > 0.5 && working > 0.02 ? this.duration / this.madeIn : null;
  }

  /** @param {{[name: string]: unknown}} body Of POST v1/audio/speech. */
  async play(body) {
    const begun = performance.now();
    try {
      const node = await this.output();
      const heard = this.heard(node);
      // Stopped before all has come, nobody waits for it any more.
      heard.catch(() => {});
      await this.receive(node, body, begun);
      this.whole = true;
      node.port.postMessage('finish');
      this.changed();
      await heard;
      this.end(this.stopping.signal.aborted ? 'stopped' : 'ended');
    } catch (error) {
      this.end(this.stopping.signal.aborted ? 'stopped' : 'failed');
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  async output() {
    void this.context.resume();
    try {
      await this.context.audioWorklet.addModule(new URL('worklet.js', import.meta.url));
    } catch {
      // The browser says that it was aborted, whatever kept it from being loaded.
      connection.lost();
      throw new TypeError('the worklet could not be loaded');
    }
    const node = new AudioWorkletNode(this.context, 'koe-stream-player', { numberOfInputs: 0, outputChannelCount: [1] });
    node.connect(this.context.destination);
    return node;
  }

  /** @param {AudioWorkletNode} node @param {{[name: string]: unknown}} body @param {number} begun */
  async receive(node, body, begun) {
    const asked = { ...body, response_format: 'pcm', sample_rate: RATE, stream_format: 'sse' };
    const answer = await ask('v1/audio/speech', { body: asked, signal: this.stopping.signal });
    this.voice = answer.headers.get('X-Koe-Voice') ?? '';
    this.seed = answer.headers.get('X-Koe-Seed');
    for await (const { event, data } of eventsOf(answer)) {
      if (event === 'speech.audio.error') throw new ApiError(502, data.error);
      if (event === 'speech.audio.delta') this.take(node, unpacked(data.audio), begun);
    }
  }

  /** @param {AudioWorkletNode} node @param {Uint8Array<ArrayBuffer>} octets A whole number of samples. @param {number} begun */
  take(node, octets, begun) {
    const piece = new Int16Array(octets.buffer, 0, octets.length >> 1);
    const floats = Float32Array.from(piece, (sample) => sample / 32768);
    this.firstAudio ??= (performance.now() - begun) / 1000;
    this.madeIn = (performance.now() - begun) / 1000;
    this.pieces.push(piece);
    this.samples += piece.length;
    this.raw.push(...slices(floats, SLICE));
    this.peaks = scaled(this.raw);
    this.state = 'speaking';
    node.port.postMessage(floats, [floats.buffer]);
    this.changed();
  }

  /** Until the last sample has been played, or it is stopped. @param {AudioWorkletNode} node @returns {Promise<void>} */
  heard(node) {
    return new Promise((resolve) => {
      this.stopping.signal.addEventListener('abort', () => resolve());
      node.port.onmessage = ({ data }) => {
        if (data === 'ended') return resolve();
        this.played = data.played;
        this.starved = data.waiting && this.samples > 0 && !this.whole;
        this.changed();
      };
    });
  }

  stop() {
    this.stopping.abort();
  }

  /** What has come so far, as a file. */
  file() {
    return wav(this.pieces, RATE);
  }

  /** @param {string} state */
  end(state) {
    this.state = state;
    void this.context.close();
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {string} encoded Base64. */
function unpacked(encoded) {
  return Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
}
