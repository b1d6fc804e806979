import { get } from '../../api.js';
import { Preview } from '../../audio/preview.js';
import { hush } from '../../components/player.js';
import { KoeElement } from '../../lib/element.js';
import { sayError } from '../../lib/notices.js';
import { endOf, find, lanesOf, newLane, secondsOf, tracksOf, withSound } from '../../lib/timeline.js';
import { Undo } from '../../lib/undo.js';
import { addFiles } from './adding.js';
import { frame, press } from './frame.js';
import { Saving } from './saving.js';
import { Sounds } from './sounds.js';

/** @typedef {import('../../api-types').Project} Project */
/** @typedef {import('../../api-types').ProjectClip} ProjectClip */
/** @typedef {import('../../lib/timeline.js').Lane} Lane */
/** @typedef {{lanes: Lane[], loudness: number | null}} State `loudness`: LUFS that the whole is brought to. */

/** `<koe-project project="01kg…">`: the editor of one. */
export class KoeProject extends KoeElement {
  static properties = { project: {} };

  constructor() {
    super();
    this.project = '';
    /** @type {Saving | null} With what the server has; null until it is there. */
    this.saving = null;
    /** @type {Undo<State>} */
    this.undo = new Undo(/** @type {State} */ ({ lanes: [], loudness: null }));
    /** @type {Lane[]} What is shown; while something is dragged, more than what is done. */
    this.lanes = [];
    this.sounds = new Sounds('', this.gone);
    /** @type {number | null} The piece that is chosen. */
    this.selected = null;
    this.lane = 0;
    this.at = 0;
    /** @type {number | null} Pixels for a second; null: as it fits. */
    this.zoom = null;
    /** @type {Preview | null} */
    this.preview = null;
    /** @type {'' | 'adding' | 'export' | 'versions'} */
    this.dialog = '';
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.preview?.stop();
  }

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener('keydown', (event) => press(this, event), { signal: this.gone });
    void this.load();
  }

  async load() {
    try {
      const project = await get(`api/projects/${encodeURIComponent(this.project)}`, {}, this.gone);
      this.sounds = new Sounds(this.project, this.gone);
      this.sounds.addEventListener('change', () => this.requestUpdate());
      this.saving = new Saving(project, this.gone);
      for (const name of ['change', 'saved']) this.saving.addEventListener(name, () => this.requestUpdate());
      this.undo = new Undo(this.read(project));
      this.show(this.undo.now.lanes);
    } catch (error) {
      sayError(error);
    }
  }

  /** @param {Project} project @returns {State} */
  read({ clips, composition }) {
    this.sounds.know(clips);
    return { lanes: lanesOf(composition, this.sounds.lengths), loudness: composition.loudness };
  }

  /** As the server takes it. @returns {import('../../api-types').Composition} */
  get composition() {
    const { sample_rate = null } = this.saving?.project.composition ?? {};
    return { tracks: tracksOf(this.lanes), sample_rate, loudness: this.undo.now.loudness };
  }

  render() {
    return frame(this);
  }

  /** @param {Lane[]} lanes */
  show(lanes) {
    this.lanes = lanes;
    if (!find(lanes, this.selected)) this.selected = null;
    this.lane = Math.max(0, Math.min(this.lane, lanes.length - 1));
    for (const id of new Set(lanes.flatMap((lane) => lane.pieces.map((piece) => piece.clip)))) void this.sounds.look(id);
    this.requestUpdate();
  }

  /** Something was done. @param {Lane[]} lanes @param {string} [kind] Of a step that goes on. */
  change(lanes, kind = '') {
    this.undo.push({ ...this.undo.now, lanes }, kind);
    this.changed();
  }

  /** @param {number | null} loudness */
  level(loudness) {
    this.undo.push({ ...this.undo.now, loudness });
    this.changed();
  }

  changed() {
    this.stop();
    this.show(this.undo.now.lanes);
    this.saving?.later(this.composition);
  }

  takeBack() {
    if (this.undo.back()) this.changed();
  }

  doAgain() {
    if (this.undo.forth()) this.changed();
  }

  /** Behind what is on the track. @param {ProjectClip[]} clips */
  add(clips) {
    this.sounds.know(clips);
    let lanes = this.lanes.length > 0 ? this.lanes : [newLane()];
    for (const clip of clips) {
      const end = Math.max(0, ...lanes[this.lane].pieces.map(endOf));
      ({ lanes, key: this.selected } = withSound(lanes, this.lane, clip, end));
    }
    this.change(lanes);
  }

  /** Sounds that were dropped here. @param {File[]} files */
  async take(files) {
    try {
      this.add(await addFiles(this.project, files));
    } catch (error) {
      sayError(error);
    }
  }

  async play() {
    hush();
    const total = secondsOf(this.lanes);
    const begun = this.at < total - 0.05 ? this.at : 0;
    const preview = new Preview(this.project, begun);
    this.preview = preview;
    preview.addEventListener('change', () => {
      if (this.preview !== preview) return;
      this.at = preview.at;
      this.requestUpdate();
    });
    try {
      await preview.play(this.composition);
    } catch (error) {
      sayError(error);
    }
    if (this.preview !== preview) return;
    this.preview = null;
    this.at = begun;
    this.requestUpdate();
  }

  stop() {
    const { preview } = this;
    this.preview = null;
    preview?.stop();
    this.requestUpdate();
  }

  /** The playhead. @param {number} at */
  place(at) {
    this.stop();
    this.at = at;
  }

  /** What the server has, instead of what is here; it can be taken back. @param {Project} project */
  replace(project) {
    this.dialog = '';
    this.saving?.begin(project);
    this.undo.push(this.read(project));
    this.stop();
    this.show(this.undo.now.lanes);
  }

  async loadTheirs() {
    try {
      this.replace(await get(`api/projects/${this.project}`));
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-project', KoeProject);
