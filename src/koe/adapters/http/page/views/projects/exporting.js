import { address, ask } from '../../api.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { say, withoutField } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

const FORMATS = ['mp3', 'wav', 'flac', 'opus'];

/** `<koe-project-export .project .composition>`: all of it as one sound, or as a zip with all that it is made of. */
class KoeProjectExport extends KoeElement {
  static properties = { project: { attribute: false }, composition: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Project} */
    this.project = /** @type {never} */ (null);
    /** @type {import('../../api-types').Composition} */
    this.composition = /** @type {never} */ (null);
    this.format = FORMATS[0];
    this.keep = false;
    this.busy = false;
    this.failure = '';
    this.file = '';
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    URL.revokeObjectURL(this.file);
  }

  render() {
    const name = `${this.project.name}.${this.format}`;
    return html`<div class="stack">
      <div class="field">
        <label for="export-format">${t('projects.format')}</label>
        <select id="export-format" class="input" ?disabled=${this.busy} @change=${this.choose}>
          ${FORMATS.map((format) => html`<option value=${format} ?selected=${format === this.format}>${t(`projects.format_${format}`)}</option>`)}
        </select>
      </div>
      <label class="check"><input type="checkbox" .checked=${this.keep} ?disabled=${this.busy}
        @change=${(/** @type {Event} */ event) => { this.keep = /** @type {HTMLInputElement} */ (event.target).checked; }}>${t('projects.keep')}</label>
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      <div class="row">
        <button type="button" class="button primary" ?disabled=${this.busy} @click=${() => void this.make()}
          >${this.busy ? t('projects.mixing') : t('projects.mix')}</button>
        ${this.file ? html`<a class="button" href=${this.file} download=${name}>${icon('download', 18)}${t('projects.download')}</a>` : nothing}
      </div>
      <hr>
      <p class="small">${t('projects.zip_about')}</p>
      <div class="row"><a class="button" href=${address(`api/projects/${this.project.id}/export`)} download>${icon('download', 18)}${t('projects.zip')}</a></div>
    </div>`;
  }

  /** @param {Event} event */
  choose(event) {
    this.format = /** @type {HTMLSelectElement} */ (event.target).value;
    this.forget();
  }

  forget() {
    URL.revokeObjectURL(this.file);
    this.file = '';
    this.failure = '';
    this.requestUpdate();
  }

  async make() {
    this.forget();
    this.busy = true;
    try {
      const body = { composition: this.composition, response_format: this.format, keep: this.keep };
      const answer = await ask(`api/projects/${this.project.id}/render`, { body, signal: this.gone });
      this.file = URL.createObjectURL(await answer.blob());
      if (this.keep) say(t('projects.was_kept'));
    } catch (error) {
      this.failure = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-project-export', KoeProjectExport);
