// The sound of an answer in raw PCM, as it comes.

/** Where a piece of the answer ends has nothing to do with where a sample does. @param {Response} answer */
export async function* samplesOf(answer) {
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).getReader();
  let rest = new Uint8Array(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const octets = new Uint8Array(rest.length + value.length);
    octets.set(rest);
    octets.set(value, rest.length);
    const samples = new Int16Array(octets.buffer, 0, octets.length >> 1);
    rest = octets.slice(samples.byteLength);
    if (samples.length > 0) yield samples;
  }
}

/** @param {Int16Array<ArrayBuffer>} samples Between -1 and 1, as browsers play them. */
export const floatsOf = (samples) => Float32Array.from(samples, (sample) => sample / 32768);
