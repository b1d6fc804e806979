// What a composition looks like on a timeline, and what changes when something of it is moved, cut or faded.
// Nothing is changed in place: each of these answers with other lanes. Times are seconds.

/** @typedef {{key: number, clip: string, whole: number, start: number, volume: number, trimStart: number, trimEnd: number,
 *   fadeIn: number, fadeOut: number, crossfade: number}} Piece A part of a sound that is `whole` seconds long. */
/** @typedef {{key: number, name: string, volume: number, muted: boolean, pieces: Piece[]}} Lane */
/** @typedef {import('../api-types').Composition} Composition */

/** No piece gets shorter. */
export const LEAST = 0.1;
export const MOST_LANES = 64;
const LONGEST = 12 * 3600;

/** Seconds, less than a sample: what begins so near to the end of the one before it follows it, wherever that is. */
const TOUCHING = 1e-5;

let lastKey = 0;
export const newKey = () => ++lastKey;

/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.min(Math.max(value, least), Math.max(least, most));
/** Milliseconds: what isn't seen needn't be said. @param {number} value */
const even = (value) => Math.round(value * 1000) / 1000;
/** Never more than there is, where the server counts in samples. @param {number} value */
const below = (value) => Math.floor(value * 1000 - 0.5) / 1000;

/** @param {Piece} piece */
export const lengthOf = (piece) => piece.whole - piece.trimStart - piece.trimEnd;
/** @param {Piece} piece */
export const endOf = (piece) => piece.start + lengthOf(piece);
/** How long all of it is. @param {Lane[]} lanes */
export const secondsOf = (lanes) => Math.max(0, ...lanes.flatMap((lane) => lane.pieces.map(endOf)));

/** @returns {Lane} */
export const newLane = (name = '') => ({ key: newKey(), name, volume: 0, muted: false, pieces: [] });

/** @param {Composition} composition @param {Map<string, number>} lengths Of the sounds, by their ids. @returns {Lane[]} */
export function lanesOf(composition, lengths) {
  return composition.tracks.map(({ name, volume, muted, clips }) => {
    let end = 0;
    const pieces = clips.map((clip) => {
      const behind = clip.offset === null && !clip.crossfade;
      const piece = {
        key: newKey(), clip: clip.clip ?? '', whole: lengths.get(clip.clip ?? '') ?? LEAST, volume: clip.volume,
        start: behind ? end : even(clip.offset ?? Math.max(0, end - clip.crossfade)), trimStart: clip.trim_start, trimEnd: clip.trim_end,
        fadeIn: clip.fade_in, fadeOut: clip.fade_out, crossfade: clip.crossfade,
      };
      end = endOf(piece);
      return piece;
    });
    return { ...newLane(name), volume, muted, pieces };
  });
}

/** As the server takes it. @param {Lane[]} lanes @returns {Composition['tracks']} */
export function tracksOf(lanes) {
  return lanes.map(({ name, volume, muted, pieces }) => ({
    name, volume, muted,
    clips: pieces.map((piece, place) => ({
      clip: piece.clip, offset: follows(piece, pieces[place - 1]) ? null : piece.start, volume: piece.volume, trim_start: piece.trimStart,
      trim_end: piece.trimEnd, fade_in: piece.fadeIn, fade_out: piece.fadeOut, crossfade: piece.crossfade,
    })),
  }));
}

/** @param {Piece} piece @param {Piece | undefined} before */
const follows = (piece, before) => piece.crossfade > 0 || (before !== undefined && Math.abs(endOf(before) - piece.start) < TOUCHING);

/** @param {Lane[]} lanes @param {number | null} key @returns {{lane: number, place: number, piece: Piece, before: Piece | undefined} | null} */
export function find(lanes, key) {
  for (const [lane, { pieces }] of lanes.entries()) {
    const place = pieces.findIndex((piece) => piece.key === key);
    if (place >= 0) return { lane, place, piece: pieces[place], before: pieces[place - 1] };
  }
  return null;
}

/** @param {Lane[]} lanes @param {number} lane @param {Partial<Lane>} fields */
export function withLane(lanes, lane, fields) {
  return lanes.map((each, place) => (place === lane ? settled({ ...each, ...fields }) : each));
}

/** @param {Lane[]} lanes @param {number} key @param {Partial<Piece>} fields */
export function withPiece(lanes, key, fields) {
  return lanes.map((lane) =>
    lane.pieces.some((piece) => piece.key === key)
      ? settled({ ...lane, pieces: lane.pieces.map((piece) => (piece.key === key ? { ...piece, ...fields } : piece)) })
      : lane,
  );
}

/** @param {Lane[]} lanes @param {number} key */
export function withoutPiece(lanes, key) {
  return lanes.map((lane) => {
    const place = lane.pieces.findIndex((piece) => piece.key === key);
    if (place < 0) return lane;
    const pieces = lane.pieces.filter((piece) => piece.key !== key);
    // What faded out of it stays where it is.
    if (pieces[place]) pieces[place] = { ...pieces[place], crossfade: 0 };
    return settled({ ...lane, pieces });
  });
}

/** @param {Lane[]} lanes @param {number} lane @param {{id: string, seconds: number}} sound @param {number} start */
export function withSound(lanes, lane, sound, start) {
  const piece = {
    key: newKey(), clip: sound.id, whole: sound.seconds, start: even(start), volume: 0, trimStart: 0, trimEnd: 0, fadeIn: 0,
    fadeOut: 0, crossfade: 0,
  };
  return { key: piece.key, lanes: withLane(lanes, lane, { pieces: [...lanes[lane].pieces, piece] }) };
}

/**
 * To another time, or another lane. Along its own lane, one that fades out of the one before it fades for longer or
 * shorter, until it has left it.
 * @param {Lane[]} lanes @param {number} key @param {number} start @param {number} lane
 */
export function moved(lanes, key, start, lane) {
  const found = find(lanes, key);
  if (!found) return lanes;
  const { piece, before } = found;
  const to = even(within(start, 0, LONGEST - lengthOf(piece)));
  if (lane !== found.lane) {
    const free = { ...piece, start: to, crossfade: 0 };
    return withLane(withoutPiece(lanes, key), lane, { pieces: [...lanes[lane].pieces, free] });
  }
  if (!piece.crossfade || !before) return withPiece(lanes, key, { start: to });
  const crossfade = even(endOf(before) - to);
  return withPiece(lanes, key, crossfade > 0 ? { crossfade } : { crossfade: 0, start: to });
}

/** Cut, so that one end of it stands at another time. @param {Lane[]} lanes @param {number} key @param {'start' | 'end'} side @param {number} to */
export function cut(lanes, key, side, to) {
  const found = find(lanes, key);
  if (!found) return lanes;
  const { piece } = found;
  const least = Math.min(LEAST, piece.whole);
  if (side === 'end') {
    const trimEnd = within(piece.whole - piece.trimStart - (to - piece.start), 0, piece.whole - piece.trimStart - least);
    return withPiece(lanes, key, { trimEnd: even(trimEnd) });
  }
  const most = piece.whole - piece.trimEnd - least;
  const trimStart = even(within(piece.trimStart + to - piece.start, Math.max(0, piece.trimStart - piece.start), most));
  return withPiece(lanes, key, { trimStart, start: even(Math.max(0, piece.start + trimStart - piece.trimStart)) });
}

/**
 * A start that is so near to where something else begins or ends that it is meant.
 * @param {Lane[]} lanes @param {Piece} piece @param {number} start @param {number} near @param {number} playhead
 */
export function snapped(lanes, piece, start, near, playhead) {
  const others = lanes.flatMap((lane) => lane.pieces).filter((each) => each.key !== piece.key);
  const edges = [0, playhead, ...others.flatMap((each) => [each.start, endOf(each)])];
  const starts = edges.flatMap((edge) => [edge, edge - lengthOf(piece)]).filter((each) => each >= 0);
  const nearest = starts.reduce((best, each) => (Math.abs(each - start) < Math.abs(best - start) ? each : best), Infinity);
  return Math.abs(nearest - start) <= near ? nearest : start;
}

/** In order of time, with fades that fit: the server refuses all others. @param {Lane} lane @returns {Lane} */
function settled(lane) {
  /** @type {Piece[][]} What fades into each other stays together. */
  const chains = [];
  for (const piece of lane.pieces) {
    const before = chains.at(-1)?.at(-1);
    const crossfade = before && piece.crossfade > 0 ? fitting(piece.crossfade, before, piece) : 0;
    if (before && crossfade > 0) chains.at(-1)?.push({ ...piece, crossfade, fadeIn: 0, start: even(endOf(before) - crossfade) });
    else chains.push([{ ...piece, crossfade: 0 }]);
  }
  chains.sort(([one], [other]) => one.start - other.start);
  const pieces = chains.flat();
  return { ...lane, pieces: pieces.map((piece, place) => withFades(piece, pieces[place + 1]?.crossfade ?? 0)) };
}

/** @param {number} crossfade @param {Piece} before @param {Piece} piece */
function fitting(crossfade, before, piece) {
  return even(Math.min(crossfade, below(lengthOf(before) - before.crossfade), below(lengthOf(piece))));
}

/** @param {Piece} piece @param {number} after The cross-fade of the one behind it. */
function withFades(piece, after) {
  const length = lengthOf(piece);
  const fadeIn = piece.crossfade ? 0 : even(within(piece.fadeIn, 0, below(length - after)));
  const fadeOut = after ? 0 : even(within(piece.fadeOut, 0, below(length - fadeIn - piece.crossfade)));
  return { ...piece, fadeIn, fadeOut };
}
