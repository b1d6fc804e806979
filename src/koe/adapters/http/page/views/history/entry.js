import { address, patch, post, remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/player.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { say, sayError } from '../../lib/notices.js';
import { clock, t, when } from '../../lib/words.js';
import './run.js';

/** @typedef {import('../../api-types').Run} Run */

/** The task of what has no seed: there is but one take of it. */
const MIX = 'compose';

/** `<koe-history-entry .run=${run}>`: tells `changed` with the run, `removed` with its id, `made` where there is another. */
class KoeHistoryEntry extends KoeElement {
  static properties = { run: { attribute: false }, voice: {} };

  constructor() {
    super();
    /** @type {Run | null} */
    this.run = null;
    /** The name of its voice. */
    this.voice = '';
    this.open = false;
    this.busy = false;
  }

  render() {
    const run = this.run;
    if (!run) return nothing;
    const label = nameOf(run);
    return html`
      <div class="entry-head">
        <div class="grow">
          ${isNamed(run) ? html`<p class="name">${run.title}</p>` : nothing}
          ${run.text ? html`<p class="said ${this.open ? 'all' : ''}">${run.text}</p>` : nothing}
          <p class="about">${this.about(run)}</p>
        </div>
        <div class="row tools">
          ${this.mark(run, 'favourite', 'star')}${this.mark(run, 'pinned', 'keep')}
          <button type="button" class="button quiet small unfold" aria-expanded=${this.open} @click=${this.unfold}>
            ${t('history.details')}${icon('down', 16)}
          </button>
        </div>
      </div>
      ${run.audio
        ? html`<koe-player .src=${address(`api/runs/${run.id}/files/${run.audio}`)} .label=${label} .duration=${run.duration ?? 0}></koe-player>`
        : nothing}
      ${this.open ? this.details(run) : nothing}`;
  }

  /** @param {Run} run */
  about(run) {
    const parts = [when(run.created), this.voice || run.voice, clock(run.duration ?? 0)];
    if (run.task !== 'speech') parts.unshift(t(`history.task_${run.task}`));
    return parts.join(' · ');
  }

  /** @param {Run} run @param {'favourite' | 'pinned'} name @param {string} picture */
  mark(run, name, picture) {
    return html`<button type="button" class="button quiet icon small" aria-pressed=${run[name]} title=${t(`history.${name}_help`)}
      aria-label=${t(`history.${name}`)} @click=${() => void this.flag(run, name)}>${icon(picture, 18, run[name])}</button>`;
  }

  /** @param {Run} run */
  details(run) {
    return html`<div class="entry-more stack">
      <koe-run run=${run.id} main=${run.audio ?? ''}></koe-run>
      <div class="row">
        <button type="button" class="button small" ?disabled=${this.busy} title=${t('history.same_help')} @click=${() => void this.again(run, 'same')}>
          ${icon('again', 16)}${t('history.same')}
        </button>
        ${run.task === MIX ? nothing : html`<button type="button" class="button small" ?disabled=${this.busy} title=${t('history.new_help')}
          @click=${() => void this.again(run, 'new')}>${icon('again', 16)}${t('history.new')}</button>`}
        ${run.audio
          ? html`<a class="button small" href=${address(`api/runs/${run.id}/files/${run.audio}`)} download=${run.audio}>
              ${icon('download', 16)}${t('take.download')}
            </a>`
          : nothing}
        <a class="button small" href=${address(`api/runs/${run.id}/zip`)} download="${run.id}.zip">
          ${icon('download', 16)}${t('history.zip')}
        </a>
        <button type="button" class="button quiet bad small end" @click=${() => void this.drop(run)}>
          ${icon('bin', 16)}${t('app.remove')}
        </button>
      </div>
      ${this.busy ? html`<p class="small quiet" role="status">${t('history.making')}</p>` : nothing}
    </div>`;
  }

  unfold() {
    this.open = !this.open;
    this.requestUpdate();
  }

  /** @param {Run} run @param {'favourite' | 'pinned'} name */
  async flag(run, name) {
    try {
      const { favourite, pinned } = await patch(`api/runs/${run.id}`, { [name]: !run[name] });
      this.tell('changed', { id: run.id, favourite, pinned });
    } catch (error) {
      sayError(error);
    }
  }

  /** @param {Run} run @param {'same' | 'new'} seed */
  async again(run, seed) {
    this.busy = true;
    this.requestUpdate();
    try {
      const made = await post(`api/runs/${run.id}/regenerate`, { seed });
      say(t('progress' in made ? 'history.again_as_job' : 'history.again_done'));
      this.tell('made');
    } catch (error) {
      sayError(error);
    }
    this.busy = false;
    this.requestUpdate();
  }

  /** @param {Run} run */
  async drop(run) {
    if (!(await sure(t('history.remove_question', { text: nameOf(run) }), t('app.remove')))) return;
    try {
      await remove(`api/runs/${run.id}`);
      this.tell('removed', run.id);
    } catch (error) {
      sayError(error);
    }
  }
}

/** Whether its title is more than the beginning of its text. @param {Run} run */
function isNamed({ title, text }) {
  const letters = (/** @type {string} */ words) => words.replaceAll(/[^\p{L}\p{N}]/gu, '');
  return title !== '' && !letters(text).startsWith(letters(title));
}

/** Its title, else its text's beginning. @param {Run} run */
function nameOf(run) {
  return run.title || run.text.slice(0, 60);
}

customElements.define('koe-history-entry', KoeHistoryEntry);
