// What a sound looks like: its loudest sample of every slice.

const SLICES_A_SECOND = 40;
const MOST_SLICES = 2000;

/** @param {Float32Array} samples @param {number} size Samples in a slice. */
export function slices(samples, size) {
  /** @type {number[]} */
  const peaks = [];
  for (let start = 0; start < samples.length; start += size) {
    let peak = 0;
    const end = Math.min(start + size, samples.length);
    for (let place = start; place < end; place += 1) peak = Math.max(peak, Math.abs(samples[place]));
    peaks.push(peak);
  }
  return peaks;
}

/** Quiet voices are shown as tall as loud ones. @param {number[]} peaks */
export function scaled(peaks) {
  const loudest = Math.max(0.05, ...peaks);
  return peaks.map((peak) => Math.sqrt(peak / loudest));
}

/** Of a file of any kind that the browser knows. Rejects where it knows it not. @param {ArrayBuffer} file */
export async function peaksOf(file) {
  const sound = await new OfflineAudioContext(1, 1, 24000).decodeAudioData(file);
  const size = Math.max(sound.sampleRate / SLICES_A_SECOND, sound.length / MOST_SLICES);
  return { peaks: scaled(slices(sound.getChannelData(0), Math.ceil(size))), duration: sound.duration };
}
