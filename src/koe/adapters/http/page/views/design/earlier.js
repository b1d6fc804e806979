import { remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { sayError } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { t, when } from '../../lib/words.js';

/** `<koe-earlier-designs .designs>`: those that are still there. Tells `again` with a design whose words are wanted again, and `removed`. */
class KoeEarlierDesigns extends KoeElement {
  static properties = { designs: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Design[]} */
    this.designs = [];
  }

  render() {
    if (this.designs.length === 0) return nothing;
    return html`<section class="part" aria-labelledby="earlier">
      <h2 id="earlier">${t('design.earlier')}</h2>
      <ul class="list">${this.designs.map((design) => html`<li>
        <span class="grow"><a class="name" href=${link(['design', design.id])}>${design.description}</a><br>
          <span class="about">${when(design.created)} · ${t('design.voices', { count: design.candidates.length })}</span></span>
        <button class="button quiet small" aria-label="${t('design.again')}: ${design.description}" @click=${() => this.tell('again', design)}>
          ${icon('again', 16)}${t('design.again')}</button>
        <button class="button quiet icon small" aria-label=${t('design.remove', { name: design.description })} title=${t('app.remove')}
          @click=${() => void this.forget(design)}>${icon('bin', 16)}</button>
      </li>`)}</ul>
    </section>`;
  }

  /** @param {import('../../api-types').Design} design */
  async forget(design) {
    if (!(await sure(t('design.remove_sure', { name: design.description }), t('app.remove')))) return;
    try {
      await remove(`api/designs/${encodeURIComponent(design.id)}`);
    } catch (error) {
      sayError(error);
    }
    this.tell('removed');
  }
}

customElements.define('koe-earlier-designs', KoeEarlierDesigns);
