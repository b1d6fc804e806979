// What is around the timeline of a project: its name, what can be done with all of it, and what is asked.
import { patch } from '../../api.js';
import { modal } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import { menu } from '../../components/menu.js';
import { html, nothing } from '../../lib/element.js';
import { sayError, sentence } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { secondsOf, withoutPiece } from '../../lib/timeline.js';
import { clock, t } from '../../lib/words.js';
import { details, laneAdding, splitHere } from './details.js';
import './exporting.js';
import { askName } from './naming.js';
import { shownSeconds } from './timeline.js';
import './versions.js';

/** @typedef {import('./editor.js').KoeProject} KoeProject */

/** Pixels for a second. */
const ZOOMS = [0.2, 0.5, 1, 2, 3.5, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200];
/** No browser draws much wider pictures. */
const WIDEST = 15000;

/** @param {KoeProject} editor */
export function frame(editor) {
  const { saving } = editor;
  if (!saving) return html`<p class="back"><a href=${link(['projects'])}>${t('nav.projects')}</a></p><h1 tabindex="-1">${t('nav.projects')}</h1>`;
  const empty = editor.lanes.every((lane) => lane.pieces.length === 0);
  return html`
    <p class="back"><a href=${link(['projects'])}>${t('nav.projects')}</a></p>
    <div class="head">
      <h1 tabindex="-1">${saving.project.name}</h1>
      <span class="small" role="status">${saving.state === 'conflict' ? nothing : t(`projects.state_${saving.state}`)}</span>
      <div class="end">${menu('project-more', t('app.more'), html`
        <button type="button" class="button quiet" @click=${() => void rename(editor)}>${icon('edit', 18)}${t('projects.rename')}</button>
        <button type="button" class="button quiet" @click=${() => void openVersions(editor)}>${icon('history', 18)}${t('projects.versions')}</button>
        <button type="button" class="button" ?disabled=${empty} @click=${() => open(editor, 'export')}>${icon('download', 18)}${t('projects.export')}</button>`)}
      </div>
    </div>
    ${saving.state === 'conflict' ? conflict(editor) : nothing}
    ${saving.state === 'failed' ? html`<div class="note warn spaced">${t('projects.not_saved')}
      <div class="row"><button type="button" class="button small" @click=${() => void saving.save()}>${t('projects.save_again')}</button></div></div>` : nothing}
    ${saving.project.problems.map((problem) => html`<p class="note warn spaced">${sentence(problem)}</p>`)}
    ${tools(editor, empty)}
    <koe-timeline .lanes=${editor.lanes} .sounds=${editor.sounds} .seen=${editor.sounds.seen} .zoom=${zoomOf(editor)} .at=${editor.at}
      .selected=${editor.selected} .lane=${editor.lane}
      @pick=${(/** @type {CustomEvent<number>} */ event) => choose(editor, event.detail, null)}
      @lane=${(/** @type {CustomEvent<number>} */ event) => choose(editor, null, event.detail)}
      @place=${(/** @type {CustomEvent<number>} */ event) => editor.place(event.detail)}
      @edit=${(/** @type {CustomEvent<Edit>} */ event) => edit(editor, event.detail)}></koe-timeline>
    <div class="row adding">
      <button type="button" class="button ${empty ? 'primary' : ''}" @click=${() => open(editor, 'adding')}>${icon('plus', 18)}${t('projects.add_sounds')}</button>
      ${laneAdding(editor)}
    </div>
    ${empty ? html`<p class="small">${t('projects.no_sounds')}</p>` : html`<p class="small keys">${t('projects.keys')}</p>`}
    ${details(editor)}
    ${asked(editor)}`;
}

/** @typedef {{lanes: import('../../lib/timeline.js').Lane[], kind: string, done: boolean}} Edit */

/** @param {KoeProject} editor @param {boolean} empty */
function tools(editor, empty) {
  const { undo, preview } = editor;
  const heard = t(preview ? 'projects.stop' : 'projects.play');
  const zoom = zoomOf(editor);
  const known = zooms(editor);
  const step = known.indexOf(zoom);
  /** @param {string} picture @param {string} name @param {boolean} off @param {() => void} act */
  const tool = (picture, name, off, act) => html`<button type="button" class="button quiet icon" aria-label=${name} title=${name}
    ?disabled=${off} @click=${act}>${icon(picture, 18)}</button>`;
  return html`<div class="row tools">
    <button type="button" class="button primary" aria-label=${heard} ?disabled=${empty} @click=${() => void (preview ? editor.stop() : editor.play())}>
      ${icon(preview ? 'stop' : 'play', 18)}<span class="roomy">${heard}</span></button>
    <span class="time">${clock(editor.at)} / ${clock(secondsOf(editor.lanes))}</span>
    <span class="row tight end">
      ${tool('undo', t('projects.undo'), undo.past.length === 0, () => editor.takeBack())}
      ${tool('redo', t('projects.redo'), undo.future.length === 0, () => editor.doAgain())}
      ${tool('minus', t('projects.zoom_out'), step <= 0, () => zoomTo(editor, known[step - 1]))}
      ${tool('plus', t('projects.zoom_in'), step >= known.length - 1, () => zoomTo(editor, known[step + 1]))}
    </span>
  </div>`;
}

/** @param {KoeProject} editor */
function conflict(editor) {
  return html`<div class="note warn spaced" role="alert">
    <strong>${t('projects.conflict')}</strong>${t('projects.conflict_help')}
    <div class="row">
      <button type="button" class="button small" @click=${() => void editor.saving?.saveMine()}>${t('projects.save_mine')}</button>
      <button type="button" class="button small" @click=${() => void editor.loadTheirs()}>${t('projects.load_theirs')}</button>
    </div>
  </div>`;
}

/** @param {KoeProject} editor */
function asked(editor) {
  const { dialog, project, saving } = editor;
  const close = () => open(editor, '');
  const done = html`<div class="ends"><button type="button" class="button" @click=${close}>${t('app.close')}</button></div>`;
  if (dialog === 'adding') {
    return modal(t('projects.add_sounds'), html`<koe-sound-adding .project=${project}
      @added=${(/** @type {CustomEvent<import('../../api-types').ProjectClip[]>} */ event) => editor.add(event.detail)}></koe-sound-adding>${done}`, close);
  }
  if (dialog === 'export') {
    return modal(t('projects.export'), html`<koe-project-export .project=${saving?.project} .composition=${editor.composition}></koe-project-export>${done}`, close);
  }
  if (dialog === 'versions') {
    return modal(t('projects.versions'), html`<koe-project-versions .project=${project}
      @restored=${(/** @type {CustomEvent<import('../../api-types').Project>} */ event) => editor.replace(event.detail)}></koe-project-versions>${done}`, close);
  }
  return nothing;
}

/** @param {KoeProject} editor @param {KoeProject['dialog']} dialog */
function open(editor, dialog) {
  editor.dialog = dialog;
  editor.requestUpdate();
}

/** @param {KoeProject} editor */
async function rename({ project, saving }) {
  const before = saving?.project.name ?? '';
  const name = await askName(t('projects.rename'), t('projects.rename'), before);
  if (!name || name === before || !saving) return;
  try {
    await patch(`api/projects/${project}`, { name });
    saving.take({ ...saving.project, name });
  } catch (error) {
    sayError(error);
  }
}

/** With what isn't saved yet among them. @param {KoeProject} editor */
async function openVersions(editor) {
  await editor.saving?.save();
  open(editor, 'versions');
}

/** @param {KoeProject} editor @param {number | null} key @param {number | null} lane */
function choose(editor, key, lane) {
  editor.selected = key;
  if (lane !== null) editor.lane = lane;
  else editor.lane = Math.max(0, editor.lanes.findIndex(({ pieces }) => pieces.some((piece) => piece.key === key)));
  editor.requestUpdate();
}

/** @param {KoeProject} editor @param {Edit} edited */
function edit(editor, { lanes, kind, done }) {
  if (done) editor.change(lanes, kind);
  else editor.show(lanes);
}

/** @param {KoeProject} editor */
const zooms = (editor) => ZOOMS.filter((zoom, step) => step === 0 || zoom * shownSeconds(editor.lanes) <= WIDEST);

/** The one that was chosen, or with which all of it is seen. @param {KoeProject} editor */
function zoomOf(editor) {
  const known = zooms(editor);
  const room = (editor.clientWidth || 900) - 24;
  const wanted = editor.zoom ?? known.findLast((zoom) => zoom * shownSeconds(editor.lanes) <= room) ?? known[0];
  return known.findLast((zoom) => zoom <= wanted) ?? known[0];
}

/** @param {KoeProject} editor @param {number} zoom */
function zoomTo(editor, zoom) {
  editor.zoom = zoom;
  editor.requestUpdate();
}

/** Wherever nothing is written. @param {KoeProject} editor @param {KeyboardEvent} event */
export function press(editor, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest('input, select, textarea, dialog')) return;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === 'z') (event.shiftKey ? editor.doAgain() : editor.takeBack());
  else if (command && key === 'y') editor.doAgain();
  else if (command || !target.closest('koe-timeline [role="slider"]')) return;
  else if (key === ' ') void (editor.preview ? editor.stop() : editor.play());
  else if (key === 's') splitHere(editor)?.();
  else if ((key === 'delete' || key === 'backspace') && editor.selected !== null) editor.change(withoutPiece(editor.lanes, editor.selected));
  else return;
  event.preventDefault();
}
