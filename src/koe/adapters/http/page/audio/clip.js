// A recording that is to become part of a voice: what it looks like, which part of it is meant, what the server says.
import { upload } from '../api.js';
import { withoutField } from '../lib/notices.js';
import { scaled, slices } from './peaks.js';
import { wav } from './wav.js';

const BARS = 400;
/** Hz, where the file doesn't say. */
const USUAL_RATE = 48000;
/** Seconds that are meant at first of what is longer than can be used. */
const FIRST_PART = 10;
const MOST_USED = 30;
/** Bytes that a browser may be asked to look at: of an MP3 a quarter of an hour, which takes 350 MB once it is decoded. */
const MOST_BYTES = 16e6;

/** Events: `change` whenever something of it has changed. */
export class Clip extends EventTarget {
  /** @param {Blob} file @param {string} name What it is called. @param {string} [transcript] */
  constructor(file, name, transcript = '') {
    super();
    this.file = file;
    this.name = name;
    this.transcript = transcript;
    this.url = URL.createObjectURL(file);
    /** @type {AudioBuffer | null} null: not yet, or this browser can't read it. */
    this.sound = null;
    /** @type {number[]} */
    this.peaks = [];
    this.start = 0;
    this.end = 0;
    /** @type {import('../api-types').Checked | null} */
    this.checked = null;
    this.refused = '';
    this.busy = true;
    this.asking = new AbortController();
  }

  get duration() {
    return this.sound?.duration ?? 0;
  }

  get trimmed() {
    return this.sound !== null && (this.start > 0 || this.end < this.duration);
  }

  /** Looks at it, and lets the server look. */
  async open() {
    try {
      if (this.file.size > MOST_BYTES) throw new RangeError('too large to be looked at');
      const bytes = await this.file.arrayBuffer();
      const rate = rateOf(bytes);
      this.sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
      this.peaks = scaled(slices(this.sound.getChannelData(0), Math.max(1, Math.ceil(this.sound.length / BARS))));
      this.end = this.duration > MOST_USED ? FIRST_PART : this.duration;
    } catch {
      // The server reads more kinds of files than browsers do, and says what is wrong with the others.
    }
    await this.check();
  }

  /** @param {number} start Seconds. @param {number} end */
  trim(start, end) {
    [this.start, this.end] = [start, end];
    this.changed();
  }

  async check() {
    this.asking.abort();
    const asking = (this.asking = new AbortController());
    [this.busy, this.refused] = [true, ''];
    this.changed();
    const form = new FormData();
    form.append('audio', this.part(), 'clip');
    try {
      this.checked = await upload('api/voices/check', form, {}, asking.signal);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.checked = null;
      this.refused = withoutField(error);
    }
    this.busy = false;
    this.changed();
  }

  /** What of it is meant, as a file: untouched where all of it is. */
  part() {
    if (!this.sound || !this.trimmed) return this.file;
    const { sampleRate, numberOfChannels } = this.sound;
    const [from, to] = [this.start, this.end].map((seconds) => Math.round(seconds * sampleRate));
    const cut = new Int16Array(Math.max(0, to - from) * numberOfChannels);
    for (let channel = 0; channel < numberOfChannels; channel += 1) {
      const samples = this.sound.getChannelData(channel).subarray(from, to);
      samples.forEach((sample, at) => {
        cut[at * numberOfChannels + channel] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      });
    }
    return wav([cut], sampleRate, numberOfChannels);
  }

  close() {
    this.asking.abort();
    URL.revokeObjectURL(this.url);
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** That of a WAV file: decoded at any other, what is cut out of it wouldn't be what was recorded. @param {ArrayBuffer} bytes */
function rateOf(bytes) {
  const view = new DataView(bytes);
  if (bytes.byteLength < 28 || view.getUint32(0) !== 0x52494646 || view.getUint32(12) !== 0x666d7420) return USUAL_RATE;
  const rate = view.getUint32(24, true);
  return rate >= 8000 && rate <= 192000 ? rate : USUAL_RATE;
}
