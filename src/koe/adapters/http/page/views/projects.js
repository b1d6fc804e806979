import { KoeElement, html, nothing } from '../lib/element.js';
import { here } from '../lib/router.js';
import { t } from '../lib/words.js';
import './projects/editor.js';
import './projects/list.js';

/** The projects, or the one whose id follows in the address. Files can be dropped everywhere. */
class KoeProjects extends KoeElement {
  constructor() {
    super();
    this.dragging = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    const options = { signal: this.gone };
    window.addEventListener('hashchange', () => void this.moved(), options);
    window.addEventListener('dragenter', (event) => this.drag(event, 1), options);
    window.addEventListener('dragleave', (event) => this.drag(event, -1), options);
    window.addEventListener('dragover', (event) => { if (carriesFiles(event)) event.preventDefault(); }, options);
    window.addEventListener('drop', (event) => this.receive(event), options);
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
      ${id ? html`<koe-project .project=${id}></koe-project>` : html`<koe-project-list></koe-project-list>`}
      ${this.dragging > 0 ? html`<div class="landing"><p>${id ? t('projects.drop_sounds') : t('projects.drop_zip')}</p></div>` : nothing}`;
  }

  /** @param {DragEvent} event @param {number} step */
  drag(event, step) {
    if (!carriesFiles(event)) return;
    this.dragging = Math.max(0, this.dragging + step);
    this.requestUpdate();
  }

  /** @param {DragEvent} event */
  receive(event) {
    this.dragging = 0;
    this.requestUpdate();
    if (!carriesFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    const shown = /** @type {{take: (files: File[]) => Promise<void>} | null} */ (this.querySelector('koe-project, koe-project-list'));
    void shown?.take(files);
  }
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

customElements.define('koe-projects', KoeProjects);
