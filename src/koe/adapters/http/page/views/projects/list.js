import { address, get, patch, post, remove, upload } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import { whenThere } from '../../lib/connection.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, sayError, sentence } from '../../lib/notices.js';
import { go, link } from '../../lib/router.js';
import { bytes, t, when } from '../../lib/words.js';
import { askName } from './naming.js';

/** @typedef {import('../../api-types').ProjectEntry} ProjectEntry */

/** `<koe-project-list>`: all projects, to be begun, opened, carried and removed. */
export class KoeProjectList extends KoeElement {
  constructor() {
    super();
    /** @type {import('../../api-types').Projects | null} */
    this.found = null;
  }

  connectedCallback() {
    super.connectedCallback();
    whenThere(() => this.load(), this.gone);
  }

  async load() {
    try {
      this.found = await get('api/projects', {}, this.gone);
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    const { projects, damaged } = this.found ?? { projects: [], damaged: [] };
    return html`
      <p class="back"><a href=${link(['productions'])}>${t('nav.productions')}</a></p>
      <div class="head">
        <h1 tabindex="-1">${t('nav.projects')}</h1>
        <div class="end row">
          <label class="button quiet">${icon('upload', 18)}${t('projects.import')}
            <input class="unseen" type="file" accept=".zip,application/zip" @change=${this.choose}></label>
          <button class="button primary" @click=${this.begin}>${icon('plus', 18)}${t('projects.new')}</button>
        </div>
        <p class="lead">${t('projects.lead')}</p>
      </div>
      ${this.found && projects.length + damaged.length === 0 ? html`<div class="empty">
        <h2>${t('projects.empty')}</h2><p>${t('projects.empty_help')}</p>
      </div>` : nothing}
      <ul class="list" aria-label=${t('nav.projects')}>
        ${repeat(projects, (each) => each.id, (each) => this.entry(each))}
        ${damaged.map(({ id, reason }) => html`<li>
          <span class="grow"><span class="name">${id}</span><br><span class="about bad-text">${sentence(reason)}</span></span>
          ${this.removal(id, id)}
        </li>`)}
      </ul>`;
  }

  /** @param {ProjectEntry} project */
  entry(project) {
    const { id, name } = project;
    const about = [when(project.saved), t('projects.sounds', { count: project.clips }), bytes(project.bytes)].join(' · ');
    return html`<li>
      <span class="grow"><a class="name" href=${link(['projects', id])}>${name}</a><br><span class="about">${about}</span></span>
      <span class="row">
        <button class="button quiet icon" aria-label=${t('projects.rename_this', { name })} title=${t('projects.rename')}
          @click=${() => void this.rename(project)}>${icon('edit', 18)}</button>
        <a class="button quiet icon" href=${address(`api/projects/${id}/export`)} download aria-label=${t('projects.zip_of', { name })}
          title=${t('projects.zip')}>${icon('download', 18)}</a>
        ${this.removal(id, name)}
      </span>
    </li>`;
  }

  /** @param {string} id @param {string} name */
  removal(id, name) {
    return html`<button class="button quiet icon" aria-label=${t('projects.remove_this', { name })} title=${t('app.remove')}
      @click=${() => void this.remove_(id, name)}>${icon('bin', 18)}</button>`;
  }

  async begin() {
    const name = await askName(t('projects.new'), t('projects.begin'));
    if (!name) return;
    try {
      const made = await post('api/projects', { name, composition: { tracks: [{}, {}] } });
      go(['projects', made.id]);
    } catch (error) {
      sayError(error);
    }
  }

  /** @param {ProjectEntry} project */
  async rename({ id, name }) {
    const other = await askName(t('projects.rename'), t('projects.rename'), name);
    if (!other || other === name) return;
    await this.doing(() => patch(`api/projects/${id}`, { name: other }));
  }

  /** @param {string} id @param {string} name */
  async remove_(id, name) {
    if (!(await sure(t('projects.remove_sure', { name }), t('app.remove')))) return;
    await this.doing(() => remove(`api/projects/${id}`));
  }

  /** @param {() => Promise<unknown>} work */
  async doing(work) {
    try {
      await work();
    } catch (error) {
      sayError(error);
    }
    await this.load();
  }

  /** @param {Event} event */
  choose(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    void this.take([...(input.files ?? [])]);
    input.value = '';
  }

  /** Projects of another Koe, or of an earlier day. @param {File[]} zips */
  async take(zips) {
    for (const zip of zips) {
      const form = new FormData();
      form.append('file', zip, zip.name);
      await this.doing(async () => {
        const { name } = await upload('api/projects/import', form);
        say(t('projects.imported', { name }));
      });
    }
  }
}

customElements.define('koe-project-list', KoeProjectList);
