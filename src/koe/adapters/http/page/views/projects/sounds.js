// The sounds that a project has: their names, how long they are, and what they look like.
import { get } from '../../api.js';
import { scaled } from '../../audio/peaks.js';

/** @typedef {import('../../api-types').ProjectClip} ProjectClip */

/** Points of a waveform: in a second, and at most. */
const [POINTS, MOST_POINTS] = [40, 4000];

/** Event `change`: one can be seen now. */
export class Sounds extends EventTarget {
  /** @param {string} project @param {AbortSignal} gone */
  constructor(project, gone) {
    super();
    this.project = project;
    this.gone = gone;
    /** @type {Map<string, ProjectClip>} */
    this.known = new Map();
    /** @type {Map<string, number[]>} */
    this.outlines = new Map();
    this.seen = 0;
  }

  /** @param {ProjectClip[]} clips */
  know(clips) {
    for (const clip of clips) this.known.set(clip.id, clip);
  }

  get lengths() {
    return new Map([...this.known].map(([id, { seconds }]) => [id, seconds]));
  }

  /** @param {string} id */
  name(id) {
    return this.known.get(id)?.name ?? id;
  }

  /** @param {string} id */
  async look(id) {
    const sound = this.known.get(id);
    if (!sound || this.outlines.has(id)) return;
    this.outlines.set(id, []);
    try {
      const points = Math.min(MOST_POINTS, Math.max(1, Math.ceil(sound.seconds * POINTS)));
      const found = await get(`api/projects/${this.project}/clips/${id}/waveform`, { points }, this.gone);
      const peaks = found.points.map((/** @type {[number, number]} */ [low, high]) => Math.max(-low, high));
      this.outlines.set(id, scaled(peaks));
      this.seen += 1;
      this.dispatchEvent(new Event('change'));
    } catch {
      // It can be heard and moved all the same.
      this.outlines.delete(id);
    }
  }
}
