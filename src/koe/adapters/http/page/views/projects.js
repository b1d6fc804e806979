import { KoeElement, html, nothing, repeat } from '../lib/element.js';
import { Landing } from '../lib/landing.js';
import { here } from '../lib/router.js';
import { t } from '../lib/words.js';
import './projects/editor.js';
import './projects/list.js';

/** The projects, or the one whose id follows in the address. Files can be dropped everywhere. */
class KoeProjects extends KoeElement {
  constructor() {
    super();
    this.landing = new Landing(this, (files) => this.take(files));
  }

  connectedCallback() {
    super.connectedCallback();
    window.addEventListener('hashchange', () => void this.moved(), { signal: this.gone });
    this.landing.begin();
  }

  async moved() {
    if (here().view !== 'projects') return;
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector('h1')?.focus();
    window.scrollTo(0, 0);
  }

  render() {
    const id = here().rest[0] ?? '';
    return html`
      ${repeat([id], (each) => each, () => id ? html`<koe-project .project=${id}></koe-project>` : html`<koe-project-list></koe-project-list>`)}
      ${this.landing.over ? html`<div class="landing"><p>${id ? t('projects.drop_sounds') : t('projects.drop_zip')}</p></div>` : nothing}`;
  }

  /** @param {File[]} files */
  take(files) {
    const shown = /** @type {{take: (files: File[]) => Promise<void>} | null} */ (this.querySelector('koe-project, koe-project-list'));
    void shown?.take(files);
  }
}

customElements.define('koe-projects', KoeProjects);
