// In the browser's audio thread: plays what has come, gapless, and waits where more is still to come.
// Messages to it: Float32Array (samples), 'finish'; from it: {played, waiting} and 'ended'.

const FIRST_SECONDS = 0.1;
const AGAIN_SECONDS = 0.35;
const REPORTS_A_SECOND = 25;

class StreamPlayer extends AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Float32Array[]} */
    this.queue = [];
    this.offset = 0;
    this.held = 0;
    this.played = 0;
    this.reported = 0;
    this.finished = false;
    this.needs = FIRST_SECONDS * sampleRate;
    this.waiting = true;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  /** @param {Float32Array | 'finish'} data */
  take(data) {
    if (data === 'finish') {
      this.finished = true;
    } else {
      this.queue.push(data);
      this.held += data.length;
    }
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs */
  process(_, [[out]]) {
    if (this.waiting && (this.held >= this.needs || this.finished)) this.waiting = false;
    if (!this.waiting) this.fill(out);
    if (this.finished && this.held === 0) {
      this.port.postMessage({ played: this.played, waiting: false });
      this.port.postMessage('ended');
      return false;
    }
    if (!this.waiting && this.held === 0) {
      // The engine is slower than speech: better one pause than many.
      this.waiting = true;
      this.needs = AGAIN_SECONDS * sampleRate;
    }
    this.report();
    return true;
  }

  /** @param {Float32Array} out */
  fill(out) {
    let place = 0;
    while (place < out.length && this.queue.length > 0) {
      const piece = this.queue[0].subarray(this.offset, this.offset + out.length - place);
      out.set(piece, place);
      place += piece.length;
      this.offset += piece.length;
      if (this.offset >= this.queue[0].length) {
        this.queue.shift();
        this.offset = 0;
      }
    }
    this.held -= place;
    this.played += place;
  }

  report() {
    this.reported += 128;
    if (this.reported < sampleRate / REPORTS_A_SECOND) return;
    this.reported = 0;
    this.port.postMessage({ played: this.played, waiting: this.waiting });
  }
}

registerProcessor('koe-stream-player', StreamPlayer);
