import { icon } from '../../components/icons.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { link } from '../../lib/router.js';
import { t, when } from '../../lib/words.js';

/** `<koe-earlier-designs .designs>`: those that are still there. Tells `again` with a design whose words are wanted again. */
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
      </li>`)}</ul>
    </section>`;
  }
}

customElements.define('koe-earlier-designs', KoeEarlierDesigns);
