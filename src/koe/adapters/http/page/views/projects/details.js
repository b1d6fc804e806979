// What can be said of the piece or the track that is chosen.
import { icon } from '../../components/icons.js';
import { slider } from '../../components/slider.js';
import { html, live, nothing } from '../../lib/element.js';
import { split } from '../../lib/split.js';
import { MOST_LANES, find, lengthOf, moved, newLane, withLane, withPiece, withoutPiece } from '../../lib/timeline.js';
import { t } from '../../lib/words.js';
import { laneName } from './timeline.js';
import './words.js';

/** @typedef {import('./editor.js').KoeProject} KoeProject */

/** Decibels, as the server takes them. */
const VOLUME = { from: -60, to: 24, step: 1 };
/** LUFS, as the server takes them. */
const LOUDNESS = { least: -40, most: -5 };

/** @param {KoeProject} editor */
export function details(editor) {
  const found = find(editor.lanes, editor.selected);
  return html`<section class="piece-details" aria-label=${t('projects.details')}>${found ? ofPiece(editor, found) : ofLane(editor)}</section>
    ${editor.lanes.length > 0 ? ofAll(editor) : nothing}`;
}

/** @param {KoeProject} editor @param {NonNullable<ReturnType<typeof find>>} found */
function ofPiece(editor, { piece, lane, before }) {
  const { key } = piece;
  const long = Math.floor(lengthOf(piece) * 10) / 10;
  const { lanes } = editor;
  const cut = splitHere(editor);
  /** @param {'fadeIn' | 'fadeOut' | 'crossfade'} name */
  const fade = (name) => (/** @type {number} */ value) => editor.change(withPiece(lanes, key, { [name]: value }));
  return html`
    <h2>${editor.sounds.name(piece.clip)}</h2>
    <div class="grid">
      ${figure('piece-start', t('projects.start'), piece.start, 43200, (value) => editor.change(moved(lanes, key, value, lane)))}
      ${figure('piece-in', t('projects.fade_in'), piece.fadeIn, long, fade('fadeIn'), piece.crossfade > 0)}
      ${figure('piece-out', t('projects.fade_out'), piece.fadeOut, long, fade('fadeOut'))}
      ${figure('piece-cross', t('projects.crossfade'), piece.crossfade, long, fade('crossfade'), !before, t('projects.crossfade_hint'))}
    </div>
    <div class="row">
      ${slider(t('projects.volume'), piece.volume, VOLUME, (volume) => editor.change(withPiece(lanes, key, { volume }), `volume ${key}`))}
      <span class="row tight">
        <button type="button" class="button quiet" ?disabled=${!cut} title=${t('projects.split_help')} @click=${cut}>${icon('split', 18)}${t('projects.split')}</button>
        <button type="button" class="button quiet" @click=${() => editor.change(withoutPiece(lanes, key))}>${icon('bin', 18)}${t('projects.take_out')}</button>
      </span>
    </div>
    <koe-clip-words .sound=${editor.sounds.known.get(piece.clip)} .piece=${piece} .at=${editor.at}
      @place=${(/** @type {CustomEvent<number>} */ event) => editor.place(event.detail)}></koe-clip-words>`;
}

/** What splits the chosen piece at the playhead, where that can be. @param {KoeProject} editor */
export function splitHere(editor) {
  const { piece } = find(editor.lanes, editor.selected) ?? {};
  const made = piece && split(editor.lanes, piece.key, editor.at, editor.sounds.known.get(piece.clip)?.sample_rate ?? 0);
  return made && (() => {
    editor.selected = made.key;
    editor.change(made.lanes);
  });
}

/** @param {KoeProject} editor */
function ofAll(editor) {
  const { least, most } = LOUDNESS;
  return html`<section class="piece-details" aria-label=${t('projects.all')}>
    <h2>${t('projects.all')}</h2>
    <div class="field loudness">
      <label for="loudness">${t('projects.loudness')}</label>
      <input id="loudness" class="input" type="number" min=${least} max=${most} step="1" placeholder=${t('projects.as_it_is')}
        aria-describedby="loudness-hint" .value=${live(String(editor.undo.now.loudness ?? ''))}
        @change=${(/** @type {Event} */ event) => editor.level(written(event) ? Math.min(most, Math.max(least, Number(written(event)))) : null)}>
      <p class="hint" id="loudness-hint">${t('projects.loudness_hint')}</p>
    </div>
  </section>`;
}

/** @param {KoeProject} editor */
function ofLane(editor) {
  const { lanes, lane } = editor;
  const chosen = lanes[lane];
  if (!chosen) return nothing;
  return html`
    <h2>${laneName(chosen, lane)}</h2>
    <div class="row">
      <div class="field">
        <label for="lane-name">${t('projects.track_name')}</label>
        <input id="lane-name" class="input" maxlength="100" .value=${live(chosen.name)}
          @change=${(/** @type {Event} */ event) => editor.change(withLane(lanes, lane, { name: written(event).trim() }))}>
      </div>
      ${slider(t('projects.volume'), chosen.volume, VOLUME, (volume) => editor.change(withLane(lanes, lane, { volume }), `track ${chosen.key}`))}
      <button type="button" class="button quiet" @click=${() => editor.change(lanes.filter((each) => each !== chosen))}
        >${icon('bin', 18)}${t('projects.remove_track')}</button>
    </div>`;
}

/** @param {KoeProject} editor */
export function laneAdding(editor) {
  const add = () => {
    editor.selected = null;
    editor.lane = editor.lanes.length;
    editor.change([...editor.lanes, newLane()]);
  };
  return html`<button type="button" class="button quiet" ?disabled=${editor.lanes.length >= MOST_LANES} @click=${add}
    >${icon('plus', 18)}${t('projects.add_track')}</button>`;
}

/** @param {string} id @param {string} label @param {number} value @param {number} most @param {(value: number) => void} use @param {boolean} [off] @param {string} [hint] */
function figure(id, label, value, most, use, off = false, hint = '') {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} class="input" type="number" min="0" max=${most} step="0.1" ?disabled=${off}
      aria-describedby=${hint ? `${id}-hint` : nothing} .value=${live(String(value))}
      @change=${(/** @type {Event} */ event) => use(Math.max(0, Number(written(event)) || 0))}>
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : nothing}
  </div>`;
}

/** @param {Event} event */
function written(event) {
  return /** @type {HTMLInputElement} */ (event.target).value;
}
