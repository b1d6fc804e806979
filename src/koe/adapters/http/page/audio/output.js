// Sound that is played while it still comes, gapless: each piece is begun at the very sample where the one before it
// ends. (An AudioWorklet would be another way, but browsers have it only over https, and at home most pages are not.)

/** Seconds that are waited for at the beginning, and where nothing was left: better one pause than many. */
const [FIRST, AGAIN] = [0.1, 0.35];
/** Seconds until the first piece sounds: what is begun in the past is cut. */
const LEAD = 0.02;
const LOOK_MS = 40;

export class Output {
  /** @param {number} rate Hz @param {() => void} changed Called whenever it goes on. */
  constructor(rate, changed) {
    this.rate = rate;
    this.changed = changed;
    this.context = new AudioContext({ sampleRate: rate, latencyHint: 'interactive' });
    void this.context.resume();
    /** @type {Float32Array<ArrayBuffer>[]} What waits for more. */
    this.pending = [];
    this.held = 0;
    this.needs = FIRST;
    this.waiting = true;
    /** When the next piece begins, on the context's clock. */
    this.next = 0;
    this.scheduled = 0;
    this.finished = false;
    /** @type {() => void} */
    this.heard = () => {};
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Samples that have been heard. */
  get played() {
    const ahead = Math.max(0, this.next - this.context.currentTime) * this.rate;
    return Math.max(0, this.scheduled - ahead);
  }

  /** @param {Float32Array<ArrayBuffer>} piece */
  feed(piece) {
    this.pending.push(piece);
    this.held += piece.length;
    this.look();
  }

  /** Until the last sample has been heard, or it is closed. @returns {Promise<void>} */
  finish() {
    this.finished = true;
    return new Promise((resolve) => {
      this.heard = resolve;
      this.look();
    });
  }

  close() {
    clearInterval(this.timer);
    if (this.context.state !== 'closed') void this.context.close();
    this.heard();
  }

  look() {
    const now = this.context.currentTime;
    if (!this.waiting && this.next <= now && !this.finished) {
      this.waiting = true;
      this.needs = AGAIN;
    }
    if (this.waiting && (this.held >= this.needs * this.rate || this.finished)) {
      this.waiting = false;
      // On a sample, so that none has to be made up between two of them.
      this.next = Math.ceil(Math.max(this.next, now + LEAD) * this.rate) / this.rate;
    }
    if (!this.waiting) this.schedule();
    if (this.finished && this.context.currentTime >= this.next) this.heard();
    this.changed();
  }

  schedule() {
    for (const piece of this.pending) {
      if (piece.length > 0) {
        const buffer = this.context.createBuffer(1, piece.length, this.rate);
        buffer.copyToChannel(piece, 0);
        const source = new AudioBufferSourceNode(this.context, { buffer });
        source.connect(this.context.destination);
        source.start(this.next);
        this.next = Math.round(this.next * this.rate + piece.length) / this.rate;
        this.scheduled += piece.length;
      }
    }
    this.pending = [];
    this.held = 0;
  }
}
