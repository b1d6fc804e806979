import { get } from '../../api.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { sentence } from '../../lib/notices.js';
import { Search } from '../../lib/search.js';
import { t } from '../../lib/words.js';
import { placeOf } from './places.js';

/** @typedef {import('../../api-types').Neighbour} Neighbour */

/** The Wyoming servers that announce themselves on the network: what each is, and whether it answers. */
class KoeHouseNeighbours extends KoeElement {
  constructor() {
    super();
    /** @type {Search<{neighbours: Neighbour[]}>} */
    this.search = new Search(this, () => get('api/neighbours', {}, this.gone));
  }

  connectedCallback() {
    super.connectedCallback();
    this.search.begin();
  }

  render() {
    const { found, failure, running } = this.search;
    const all = found?.neighbours ?? [];
    return html`<section class="part" aria-labelledby="neighbours">
      <div class="row part-head"><h2 id="neighbours">${t('network.servers')}</h2>${this.search.button(t('network.servers'))}</div>
      <p class="lead">${t('network.servers_about')}</p>
      ${this.search.status(all.length > 0 ? t('network.servers_found', { count: all.length }) : '')}
      ${failure ? html`<p class="note warn">${sentence(failure)}</p>` : nothing}
      ${found && all.length === 0 && !running ? this.none() : nothing}
      <ul class="list">${all.map((each) => this.neighbour(each))}</ul>
    </section>`;
  }

  none() {
    return html`<div class="empty">
      <h3>${t('network.no_servers')}</h3>
      <p>${t('network.no_servers_help')}</p>
    </div>`;
  }

  /** @param {Neighbour} neighbour */
  neighbour({ name, uri, kinds, programs, answers, problem, itself }) {
    const others = programs.filter((program) => program !== name);
    return html`<li>
      <span class="grow">
        <span class="name">${name}</span> ${itself ? html`<span class="mark good">${t('network.itself')}</span>` : nothing}<br>
        <span class="about">${kinds.map((kind) => `${t(`network.kind_${kind}`)} · `)}<code>${placeOf(uri)?.text ?? uri}</code>${
          others.length > 0 ? ` · ${others.join(', ')}` : ''}</span>
      </span>
      <span class="mark ${answers ? 'good' : 'warn'}">${t(answers ? 'network.answers' : 'network.silent')}</span>
      ${problem ? html`<p class="small quiet whole">${t('network.silent_help')}</p>` : nothing}
    </li>`;
  }
}

customElements.define('koe-house-neighbours', KoeHouseNeighbours);
