import { icon } from '../../components/icons.js';
import '../../components/waveform.js';
import { KoeElement, classMap, html, nothing, ref, repeat } from '../../lib/element.js';
import { lengthOf, secondsOf, withLane } from '../../lib/timeline.js';
import { clock, number, t } from '../../lib/words.js';
import { Grips } from './grips.js';

/** @typedef {import('../../lib/timeline.js').Lane} Lane */
/** @typedef {import('../../lib/timeline.js').Piece} Piece */

/** Between two times of the ruler: pixels, and seconds. */
const APART = 72;
const TICKS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];

/** Pixels that stay between the playhead and an edge. */
const ROOM = 48;

/** What is shown at least, and behind the end. */
const [LEAST, MORE] = [10, 5];

/** @param {Lane[]} lanes */
export const shownSeconds = (lanes) => Math.max(LEAST, secondsOf(lanes) + MORE);
/** @param {Lane} lane @param {number} place */
export const laneName = (lane, place) => lane.name || t('projects.track', { number: place + 1 });
/** @param {number} seconds */
const told = (seconds) => t('voices.seconds', { seconds: number(seconds, { maximumFractionDigits: 1 }) });

/**
 * `<koe-timeline .lanes .sounds .zoom=${50} .at=${1.5} .selected=${key} .lane=${0}>`: pieces of
 * sounds on their lanes, `zoom` pixels for a second. Tells `pick` with a piece's key, `lane` with the number of one,
 * `place` with a time, and `edit` with `{lanes, kind, done}`: it isn't `done` while it is dragged.
 */
export class KoeTimeline extends KoeElement {
  static properties = {
    lanes: { attribute: false }, sounds: { attribute: false }, seen: { type: Number }, zoom: { type: Number },
    at: { type: Number }, selected: { type: Number }, lane: { type: Number },
  };

  constructor() {
    super();
    /** @type {Lane[]} */
    this.lanes = [];
    /** @type {import('./sounds.js').Sounds} */
    this.sounds = /** @type {never} */ (null);
    /** How many of them can be seen: it is drawn anew when there are more. */
    this.seen = 0;
    this.zoom = 50;
    this.at = 0;
    /** @type {number | null} */
    this.selected = null;
    this.lane = 0;
    this.grips = new Grips(this);
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    this.style.setProperty('--zoom', `${this.zoom}px`);
    this.style.setProperty('--at', String(this.at));
    this.style.setProperty('--long', String(shownSeconds(this.lanes)));
    if (changed.has('at') || changed.has('zoom')) this.follow();
  }

  /** Where it is played, and where it was zoomed at, is seen. */
  follow() {
    const at = this.at * this.zoom;
    const { scrollLeft, clientWidth } = this;
    if (at < scrollLeft || at > scrollLeft + clientWidth - ROOM) this.scrollLeft = at - ROOM;
  }

  render() {
    const { grips } = this;
    return html`<div class="sheet" @pointerdown=${(/** @type {PointerEvent} */ event) => grips.grab(event)}
      @pointermove=${(/** @type {PointerEvent} */ event) => grips.drag(event)} @pointerup=${() => grips.drop()}
      @pointercancel=${() => grips.letGo()} @keydown=${(/** @type {KeyboardEvent} */ event) => grips.press(event)}>
      ${this.ruler()}
      <ol class="lanes">${repeat(this.lanes, (lane) => lane.key, (lane, place) => this.row(lane, place))}</ol>
      <div class="playhead"></div>
    </div>`;
  }

  ruler() {
    const long = shownSeconds(this.lanes);
    const apart = TICKS.find((seconds) => seconds * this.zoom >= APART) ?? TICKS[TICKS.length - 1];
    const ticks = Array.from({ length: Math.ceil(long / apart) }, (_, place) => place * apart);
    return html`<div class="ruler" role="slider" tabindex="0" aria-label=${t('projects.playhead')} aria-valuemin="0"
      aria-valuemax=${long.toFixed(1)} aria-valuenow=${this.at.toFixed(1)} aria-valuetext=${told(this.at)}
      @pointerdown=${this.point} @pointermove=${this.point} @keydown=${this.steer}>
      ${ticks.map((seconds) => html`<span ${placed({ from: seconds })}>${clock(seconds)}</span>`)}
    </div>`;
  }

  /** @param {Lane} lane @param {number} place */
  row(lane, place) {
    const name = laneName(lane, place);
    return html`<li class=${classMap({ lane: true, muted: lane.muted })}>
      <div class="lane-head">
        <button type="button" class="button quiet small" aria-pressed=${place === this.lane && this.selected === null ? 'true' : 'false'}
          @click=${() => this.tell('lane', place)}>${name}</button>
        <button type="button" class="button quiet small icon" aria-pressed=${lane.muted ? 'true' : 'false'}
          aria-label=${t('projects.mute_this', { name })} title=${t('projects.mute')}
          @click=${() => this.edit(withLane(this.lanes, place, { muted: !lane.muted }), '', true)}
          >${icon(lane.muted ? 'muted' : 'sound', 16)}</button>
      </div>
      <ol class="line" aria-label=${name}>
        ${repeat(lane.pieces, (piece) => piece.key, (piece) => this.piece(piece, name))}
      </ol>
    </li>`;
  }

  /** @param {Piece} piece @param {string} track */
  piece(piece, track) {
    const chosen = piece.key === this.selected;
    const name = this.sounds.name(piece.clip);
    const peaks = this.sounds.outlines.get(piece.clip) ?? [];
    const share = (/** @type {number} */ seconds) => Math.round((seconds / piece.whole) * peaks.length);
    const where = { at: told(piece.start), long: told(lengthOf(piece)), track };
    return html`<li class=${classMap({ piece: true, chosen })} ${placed({
      from: piece.start, wide: lengthOf(piece), in: piece.crossfade || piece.fadeIn, out: piece.fadeOut,
    })}>
      <div class="body" role="slider" tabindex="0" aria-label=${name} aria-valuemin="0" aria-valuemax="43200"
        aria-valuenow=${piece.start.toFixed(1)} aria-valuetext=${t('projects.piece_at', where)} title=${name}
        data-grip="move" data-key=${piece.key} @focus=${() => this.tell('pick', piece.key)}>
        <span class="piece-name">${name}</span>
        <koe-waveform aria-hidden="true" .peaks=${peaks.slice(share(piece.trimStart), peaks.length - share(piece.trimEnd))}></koe-waveform>
        <span class="fade in"></span><span class="fade out"></span>
      </div>
      ${chosen ? [this.handle('start', piece, name), this.handle('end', piece, name)] : nothing}
    </li>`;
  }

  /** @param {'start' | 'end'} side @param {Piece} piece @param {string} name */
  handle(side, piece, name) {
    const cutOff = side === 'start' ? piece.trimStart : piece.trimEnd;
    return html`<div class="handle ${side}" role="slider" tabindex="0" aria-label=${t(`projects.trim_${side}`, { name })}
      aria-valuemin="0" aria-valuemax=${piece.whole.toFixed(1)} aria-valuenow=${cutOff.toFixed(1)} aria-valuetext=${told(cutOff)}
      data-grip=${side} data-key=${piece.key}></div>`;
  }

  /** @param {PointerEvent} event */
  point(event) {
    if (event.buttons !== 1) return;
    const ruler = /** @type {Element} */ (event.currentTarget);
    this.place((event.clientX - ruler.getBoundingClientRect().left - ruler.clientLeft) / this.zoom);
  }

  /** @param {KeyboardEvent} event */
  steer(event) {
    const step = event.shiftKey ? 1 : 0.1;
    /** @type {{[key: string]: number}} */
    const targets = { ArrowLeft: this.at - step, ArrowRight: this.at + step, Home: 0, End: secondsOf(this.lanes) };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.place(targets[event.key]);
  }

  /** @param {number} seconds */
  place(seconds) {
    this.tell('place', Math.min(Math.max(0, seconds), shownSeconds(this.lanes)));
  }

  /** @param {Lane[]} lanes @param {string} kind Of a step that goes on. @param {boolean} done */
  edit(lanes, kind, done) {
    this.tell('edit', { lanes, kind, done });
  }

  /** The one that is chosen is drawn anew where it has come to. */
  focusPiece() {
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (this.querySelector('.chosen .body'))?.focus());
  }
}

/** Where an element stands, in seconds: the policy allows no `style` in templates. @param {{[name: string]: number}} lengths */
function placed(lengths) {
  return ref((element) => {
    if (!(element instanceof HTMLElement)) return;
    for (const [name, value] of Object.entries(lengths)) element.style.setProperty(`--${name}`, String(value));
  });
}

customElements.define('koe-timeline', KoeTimeline);
