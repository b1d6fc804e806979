import { get, post, upload } from '../../api.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, repeat } from '../../lib/element.js';
import { sayError } from '../../lib/notices.js';
import { clock, t, when } from '../../lib/words.js';

/** @typedef {import('../../api-types').Run} Run */
/** @typedef {import('../../api-types').ProjectClip} ProjectClip */

/** As many as one form may hold. */
const MOST_FILES = 64;

/** Copies files into a project. @param {string} project @param {File[]} files @returns {Promise<ProjectClip[]>} */
export async function addFiles(project, files) {
  const form = new FormData();
  for (const file of files.slice(0, MOST_FILES)) form.append('file', file, file.name);
  return (await upload(`api/projects/${project}/clips`, form)).clips;
}

/** `<koe-sound-adding project="01kg…">`: sounds from files and of what was kept. Tells `added` with them. */
class KoeSoundAdding extends KoeElement {
  static properties = { project: {} };

  constructor() {
    super();
    this.project = '';
    /** @type {Run[] | null} */
    this.runs = null;
    this.looked = '';
    this.busy = false;
    /** How many came a moment ago. */
    this.came = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  async load() {
    const looked = this.looked;
    try {
      const { runs } = await get('api/history', { q: looked, limit: 50 }, this.gone);
      if (looked !== this.looked) return;
      this.runs = runs.filter((/** @type {Run} */ run) => run.audio);
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`<div class="stack">
      <div class="row">
        <label class="button">${icon('upload', 18)}${t('projects.choose_files')}
          <input class="unseen" type="file" multiple accept="audio/*" ?disabled=${this.busy} @change=${this.choose}></label>
        <span class="small" role="status">${this.came ? t('projects.added', { count: this.came }) : t('projects.or_drop')}</span>
      </div>
      <div class="field">
        <label for="run-search">${t('projects.kept')}</label>
        <input id="run-search" class="input" type="search" placeholder=${t('projects.search')} @input=${this.look}>
      </div>
      ${this.runs?.length === 0 ? html`<p class="small">${this.looked ? t('projects.none_found') : t('projects.none_kept')}</p>` : ''}
      <ul class="list kept-runs">
        ${repeat(this.runs ?? [], (run) => run.id, (run) => html`<li>
          <span class="grow"><span class="name">${shortened(run.title || run.text)}</span><br>
            <span class="about">${[run.voice, run.duration === null ? '' : clock(run.duration), when(run.created)].filter(Boolean).join(' · ')}</span></span>
          <button type="button" class="button small" ?disabled=${this.busy} aria-label=${t('projects.add_this', { name: shortened(run.title || run.text) })}
            @click=${() => void this.addRun(run)}>${t('projects.add')}</button>
        </li>`)}
      </ul>
    </div>`;
  }

  /** @param {Event} event */
  look(event) {
    this.looked = /** @type {HTMLInputElement} */ (event.target).value.trim();
    void this.load();
  }

  /** @param {Event} event */
  choose(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const files = [...(input.files ?? [])];
    input.value = '';
    void this.adding(() => addFiles(this.project, files));
  }

  /** @param {Run} run */
  async addRun(run) {
    const body = { run: run.id, file: run.audio, name: shortened(run.title || run.text) || undefined };
    await this.adding(async () => (await post(`api/projects/${this.project}/clips`, body)).clips);
  }

  /** @param {() => Promise<ProjectClip[]>} add */
  async adding(add) {
    this.busy = true;
    this.came = 0;
    this.requestUpdate();
    try {
      const clips = await add();
      this.came = clips.length;
      this.tell('added', clips);
    } catch (error) {
      sayError(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

/** As a sound is named by what is said in it. @param {string} text */
function shortened(text) {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

customElements.define('koe-sound-adding', KoeSoundAdding);
