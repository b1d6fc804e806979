import { get, post } from '../../api.js';
import { KoeElement, html, repeat } from '../../lib/element.js';
import { sayError } from '../../lib/notices.js';
import { t, when } from '../../lib/words.js';

/** `<koe-project-versions project="01kg…">`: how it was earlier. Tells `restored` with the project. */
class KoeProjectVersions extends KoeElement {
  static properties = { project: {} };

  constructor() {
    super();
    this.project = '';
    /** @type {import('../../api-types').Version[]} */
    this.versions = [];
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  async load() {
    try {
      this.versions = (await get(`api/projects/${this.project}/versions`, {}, this.gone)).versions;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    return html`<ul class="list">
      ${repeat(this.versions, ({ number }) => number, ({ number, saved, clips }, place) => html`<li>
        <span class="grow"><span class="name">${t('projects.version', { number })}</span><br>
          <span class="about">${when(saved)} · ${t('projects.sounds', { count: clips })}</span></span>
        ${place === 0 ? html`<span class="mark good">${t('projects.newest')}</span>` : html`
          <button type="button" class="button small" aria-label=${t('projects.restore_this', { number })}
            @click=${() => void this.restore(number)}>${t('projects.restore')}</button>`}
      </li>`)}
    </ul>`;
  }

  /** @param {number} number */
  async restore(number) {
    try {
      this.tell('restored', await post(`api/projects/${this.project}/versions/${number}/restore`));
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-project-versions', KoeProjectVersions);
