import { address, post } from '../../api.js';
import { modal } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/player.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, withoutField } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { t } from '../../lib/words.js';

/** @typedef {import('../../api-types').Candidate} Candidate */

/** Which were kept since the page was opened, by their address: the id of the voice. @type {Map<string, string>} */
const kept = new Map();

/**
 * `<koe-candidates .design .expected=${3}>`: the voices of a design, to hear side by side and to keep. While they are
 * being made, `expected` says how many there will be.
 */
class KoeCandidates extends KoeElement {
  static properties = { design: { attribute: false }, expected: { type: Number } };

  constructor() {
    super();
    /** @type {import('../../api-types').Design | null} */
    this.design = null;
    this.expected = 0;
    /** @type {Candidate | null} The one that is about to be kept. */
    this.chosen = null;
    this.wrong = '';
    this.busy = false;
  }

  render() {
    const made = this.design?.candidates ?? [];
    const coming = Math.max(0, this.expected - made.length);
    return html`<section class="part" aria-labelledby="candidates-heading">
      <h2 id="candidates-heading">${this.expected ? t('design.making') : t('design.choose')}</h2>
      ${this.design ? html`<p class="lead">${this.design.description}</p>` : nothing}
      ${this.expected ? html`<div class="progress">
        <progress max=${this.expected} value=${made.length} aria-label=${t('design.making')}></progress>
        <span class="small quiet" role="status">${t('design.so_far', { made: made.length, count: this.expected })}</span>
      </div>` : nothing}
      <ol class="cards candidates">
        ${repeat(made, (each) => each.url, (each) => this.candidate(each))}
        ${Array.from({ length: coming }, (_, place) => html`<li class="card coming">
          <h3>${t('design.candidate', { number: made.length + place + 1 })}</h3>
          <p class="small quiet">${place === 0 ? t('design.speaking') : t('design.waiting')}</p></li>`)}
      </ol>
      ${this.chosen ? modal(t('design.name_it'), this.naming(), () => this.leave()) : nothing}
    </section>`;
  }

  /** @param {Candidate} each */
  candidate(each) {
    const name = t('design.candidate', { number: each.number });
    const voice = kept.get(each.url);
    return html`<li class="card">
      <h3>${name}</h3>
      <koe-player eager .src=${address(each.url)} .label=${name} .duration=${each.duration}></koe-player>
      ${voice
        ? html`<a class="button" href=${link(['voices', voice])}>${icon('check', 18)}${t('design.kept')}</a>`
        : html`<button class="button" aria-label="${t('design.keep')}: ${name}" @click=${() => this.choose(each)}>${icon('keep', 18)}${t('design.keep')}</button>`}
    </li>`;
  }

  naming() {
    return html`<form class="stack" @submit=${this.keep}>
      <div class="field">
        <label for="kept-name">${t('voices.name')}</label>
        <input id="kept-name" class="input" name="name" maxlength="100" required autofocus autocomplete="off"
          placeholder=${t('voices.name_example')} aria-invalid=${this.wrong ? 'true' : 'false'}>
        ${this.wrong ? html`<p class="wrong" role="alert">${this.wrong}</p>` : html`<p class="hint">${t('design.name_hint')}</p>`}
      </div>
      <div class="ends">
        <button type="button" class="button" @click=${this.leave}>${t('app.cancel')}</button>
        <button class="button primary" ?disabled=${this.busy}>${t('design.keep')}</button>
      </div>
    </form>`;
  }

  /** @param {Candidate} each */
  choose(each) {
    this.chosen = each;
    this.wrong = '';
    this.requestUpdate();
  }

  leave() {
    this.chosen = null;
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  async keep(event) {
    event.preventDefault();
    const chosen = this.chosen;
    const name = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('name')).trim();
    if (!chosen || this.busy) return;
    this.busy = true;
    this.requestUpdate();
    try {
      const { profile } = await post(`${chosen.url}/keep`, { name });
      kept.set(chosen.url, profile.id);
      say(t('design.kept_as', { name: profile.name }));
      this.leave();
    } catch (error) {
      this.wrong = withoutField(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-candidates', KoeCandidates);
