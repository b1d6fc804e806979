// In the browser's audio thread: hands on what the microphone hears, in pieces of about a twentieth of a second.

const PIECE = 2048;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.held = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([[heard]]) {
    if (!heard) return true;
    this.piece.set(heard, this.held);
    this.held += heard.length;
    if (this.held === PIECE) {
      this.port.postMessage(this.piece, [this.piece.buffer]);
      this.piece = new Float32Array(PIECE);
      this.held = 0;
    }
    return true;
  }
}

registerProcessor('koe-microphone', Microphone);
