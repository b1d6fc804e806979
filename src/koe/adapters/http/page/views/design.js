// Design: a description, voices that were made up for it, and those of earlier (#/design/ID).
import { ApiError, events, get } from '../api.js';
import { icon } from '../components/icons.js';
import { hush } from '../components/player.js';
import { whenThere } from '../lib/connection.js';
import { KoeElement, html, live, nothing } from '../lib/element.js';
import { inWords, sayError, why, withoutField } from '../lib/notices.js';
import { go, here, link } from '../lib/router.js';
import { spoken } from '../lib/voices.js';
import { t, words } from '../lib/words.js';
import { asked, order } from './design/order.js';
import './design/candidates.js';
import './design/earlier.js';

/** How many descriptions there are to start from: `design.example_1` and so on. */
const EXAMPLES = 6;
const MOST = 10;

/** @typedef {import('../api-types').Design} Design */

class KoeDesign extends KoeElement {
  constructor() {
    super();
    /** @type {Design[] | null} */
    this.designs = null;
    /** @type {import('../api-types').Abilities | null} */
    this.abilities = null;
    /** @type {Design | null} The one that is shown. */
    this.shown = null;
    /** @type {AbortController | null} While voices are being made. */
    this.making = null;
    this.failure = '';
    this.refused = '';
  }

  connectedCallback() {
    super.connectedCallback();
    window.addEventListener('hashchange', () => this.moved(), { signal: this.gone });
    whenThere(() => this.load(), this.gone);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.making?.abort();
  }

  async load() {
    try {
      const [listed, abilities] = await Promise.all([get('api/designs', {}, this.gone), get('api/voices/abilities', {}, this.gone)]);
      this.designs = listed.designs;
      this.abilities = abilities;
      order.language ||= this.home(words.language);
      this.moved();
    } catch (error) {
      sayError(error);
    }
  }

  /** Its tag with a region, where the model speaks it. @param {string} language */
  home(language) {
    const tags = this.abilities?.languages ?? [];
    return tags.find((tag) => tag.split('-')[0] === language) ?? tags[0] ?? '';
  }

  moved() {
    const { view, rest } = here();
    if (view !== 'design') return;
    // One that was made just now isn't in the list yet.
    if (!this.making && rest[0] !== this.shown?.id) this.shown = this.designs?.find((design) => design.id === rest[0]) ?? null;
    this.requestUpdate();
  }

  render() {
    const ability = this.abilities?.design;
    return html`
      <div class="head"><h1 tabindex="-1">${t('nav.design')}</h1><p class="lead">${t('design.lead')}</p></div>
      ${ability && !ability.ready ? html`<p class="note warn block">${t('design.cant')} <a href=${link(['house'])}>${t('voices.get_model')}</a><br>
        <span class="small">${why(ability)}</span></p>` : nothing}
      <form class="stack design" @submit=${this.submit}>
        ${this.description()}
        <div class="how-many">${this.language()}${this.count()}${this.button()}</div>
        <details class="more" ?open=${order.text !== ''}>
          <summary>${t('design.text')}</summary>
          <div class="field">
            <label class="unseen" for="design-text">${t('design.text')}</label>
            <textarea id="design-text" class="input short" rows="2" maxlength="2000" placeholder=${t('voices.trial_own')}
              aria-describedby="design-text-hint" .value=${live(order.text)} @input=${this.change('text')}></textarea>
            <p class="hint" id="design-text-hint">${t('design.text_hint')}</p>
          </div>
        </details>
        ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      </form>
      ${this.shown || this.making ? html`<koe-candidates .design=${this.shown} .expected=${this.making ? order.candidates : 0}></koe-candidates>` : nothing}
      <koe-earlier-designs .designs=${this.designs?.filter((design) => design.id !== this.shown?.id) ?? []} @again=${this.again} @removed=${this.load}></koe-earlier-designs>`;
  }

  description() {
    return html`<div class="field">
      <label for="description">${t('design.description')}</label>
      <textarea id="description" class="paper" rows="3" maxlength="2000" placeholder=${t('design.placeholder')}
        aria-invalid=${this.refused ? 'true' : 'false'} .value=${live(order.description)} @input=${this.change('description')}></textarea>
      ${this.refused ? html`<p class="wrong" role="alert">${this.refused}</p>` : nothing}
      <div class="examples" role="group" aria-label=${t('design.examples')}>
        ${Array.from({ length: EXAMPLES }, (_, place) => html`<button type="button" class="chip" @click=${() => this.begin(place + 1)}>
          ${t(`design.example_${place + 1}_name`)}</button>`)}
      </div>
    </div>`;
  }

  language() {
    return html`<div class="field">
      <label for="design-language">${t('design.language')}</label>
      <select id="design-language" class="input" @change=${this.change('language')}>
        ${(this.abilities?.languages ?? []).map((tag) => html`<option value=${tag} ?selected=${tag === order.language}>${spoken(tag)}</option>`)}
      </select>
    </div>`;
  }

  count() {
    return html`<div class="field">
      <label for="candidates">${t('design.count')}</label>
      <select id="candidates" class="input" @change=${this.change('candidates')}>
        ${Array.from({ length: MOST }, (_, place) => html`<option value=${place + 1} ?selected=${place + 1 === order.candidates}>${place + 1}</option>`)}
      </select>
    </div>`;
  }

  button() {
    if (this.making) {
      return html`<button type="button" class="button primary" @click=${() => this.making?.abort()}>${icon('stop', 18)}${t('voices.stop')}</button>`;
    }
    return html`<button class="button primary" ?disabled=${!order.description.trim() || !this.abilities?.design.ready}>${icon('design', 18)}${t('design.go')}</button>`;
  }

  /** @param {'description' | 'text' | 'language' | 'candidates'} name */
  change(name) {
    return (/** @type {Event} */ event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      if (name === 'candidates') order.candidates = Number(value);
      else order[name] = value;
      this.refused = '';
      this.requestUpdate();
    };
  }

  /** @param {number} number */
  begin(number) {
    order.description = t(`design.example_${number}`);
    this.requestUpdate();
    /** @type {HTMLElement | null} */ (this.querySelector('#description'))?.focus();
  }

  /** @param {CustomEvent<Design>} event */
  again(event) {
    const { description, language } = event.detail;
    Object.assign(order, { description, language });
    this.requestUpdate();
    window.scrollTo({ top: 0 });
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    if (this.making || !order.description.trim()) return;
    hush();
    const making = (this.making = new AbortController());
    [this.failure, this.refused, this.shown] = ['', '', null];
    this.requestUpdate();
    try {
      await this.make(making.signal);
    } catch (error) {
      if (error instanceof ApiError && error.param === 'description') this.refused = withoutField(error);
      else this.failure = inWords(error);
    }
    this.making = null;
    if (this.gone.aborted) return;
    const made = /** @type {Design | null} */ (this.shown);
    if (made) go(['design', made.id]);
    await this.load();
  }

  /** @param {AbortSignal} signal */
  async make(signal) {
    for await (const { event, data } of events('api/designs', { body: asked(), signal })) {
      if (event === 'done') this.shown = data.design;
      if (event === 'candidate') {
        const others = this.shown?.candidates ?? [];
        this.shown = {
          id: data.id, description: order.description, text: order.text, language: order.language,
          created: new Date().toISOString(), candidates: [...others, data],
        };
      }
      this.requestUpdate();
    }
  }
}

customElements.define('koe-design', KoeDesign);
