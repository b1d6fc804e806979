const HEADER = 44;

/** A WAV file of 16-bit PCM. @param {Int16Array[]} pieces @param {number} rate Hz @param {number} [channels] Samples take turns. */
export function wav(pieces, rate, channels = 1) {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const head = new DataView(new ArrayBuffer(HEADER));
  const word = (/** @type {number} */ at, /** @type {string} */ text) =>
    [...text].forEach((letter, place) => head.setUint8(at + place, letter.charCodeAt(0)));
  word(0, 'RIFF');
  head.setUint32(4, HEADER - 8 + size, true);
  word(8, 'WAVEfmt ');
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, channels, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * channels * 2, true);
  head.setUint16(32, channels * 2, true);
  head.setUint16(34, 16, true);
  word(36, 'data');
  head.setUint32(40, size, true);
  return new Blob([head, .../** @type {Int16Array<ArrayBuffer>[]} */ (pieces)], { type: 'audio/wav' });
}
