// A piece made two that sound as the one did, to the sample.
import { LEAST, endOf, find, lengthOf, newKey, withLane } from './timeline.js';

/** Seconds. At every usual rate so many are whole samples, also where a mix has another rate than the sound. */
const GRID = 0.02;

/** @typedef {import('./timeline.js').Lane} Lane */

/**
 * At a time, or as near to it as whole samples of both halves are. What fades stays whole: null where there is no place.
 * @param {Lane[]} lanes @param {number | null} key @param {number} at @param {number} rate Hz, of the sound.
 * @returns {{lanes: Lane[], key: number} | null} With the second half's key.
 */
export function split(lanes, key, at, rate) {
  const found = find(lanes, key);
  if (!found || at <= found.piece.start || at >= endOf(found.piece)) return null;
  const { piece, lane, place } = found;
  const { pieces } = lanes[lane];
  const first = Math.ceil(Math.max(LEAST, piece.fadeIn, piece.crossfade) / GRID + 0.1);
  const last = Math.floor((lengthOf(piece) - Math.max(LEAST, piece.fadeOut, pieces[place + 1]?.crossfade ?? 0)) / GRID - 0.1);
  if (first > last) return null;
  const step = Math.min(Math.max(Math.round((at - piece.start) / GRID), first), last);
  const cutAt = samples(piece.trimStart, rate) + Math.round(step * GRID * rate);
  const before = { ...piece, trimEnd: (samples(piece.whole, rate) - cutAt) / rate, fadeOut: 0 };
  const after = { ...piece, key: newKey(), start: endOf(before), trimStart: cutAt / rate, fadeIn: 0, crossfade: 0 };
  return { lanes: withLane(lanes, lane, { pieces: pieces.toSpliced(place, 1, before, after) }), key: after.key };
}

/** As the server counts them: a half goes to the even one. @param {number} seconds @param {number} rate */
function samples(seconds, rate) {
  const count = seconds * rate;
  const nearest = Math.round(count);
  return nearest - count === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}
