import { post } from '../../api.js';
import { icon } from '../../components/icons.js';
import '../../components/trial.js';
import { voiceMark } from '../../components/voice-mark.js';
import { KoeElement, html, live, nothing, repeat } from '../../lib/element.js';
import { say, sayError } from '../../lib/notices.js';
import { go } from '../../lib/router.js';
import { grouped, matches, speaks, spoken } from '../../lib/voices.js';
import { t } from '../../lib/words.js';

/** Shown at first: a house with espeak alone has more than a hundred. */
const FEW = 6;
const MORE = 48;

/** `<koe-builtin-voices .voices>`: those that the engines bring along, with a search. */
class KoeBuiltinVoices extends KoeElement {
  static properties = { voices: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Voice[]} */
    this.voices = [];
    this.looked = '';
    this.most = FEW;
  }

  render() {
    if (this.voices.length === 0) return nothing;
    const found = grouped(this.voices.filter((voice) => matches(voice, this.looked))).flatMap((group) => group.voices);
    const shown = found.slice(0, this.most);
    return html`<section class="part" aria-labelledby="built-in">
      <h2 id="built-in">${t('voices.built_in')}</h2>
      <p class="lead">${t('voices.built_in_help')}</p>
      <div class="search">
        <label class="unseen" for="voice-search">${t('voices.search')}</label>${icon('search', 18)}
        <input id="voice-search" class="input" type="search" placeholder=${t('voices.search')} .value=${live(this.looked)} @input=${this.look}>
      </div>
      <p class="unseen" role="status">${this.looked ? t('voices.found', { count: found.length }) : ''}</p>
      ${found.length === 0 ? html`<p class="quiet">${t('voice.none_found')}</p>` : nothing}
      <ul class="list built-in">${repeat(shown, (voice) => voice.id, (voice) => this.entry(voice))}</ul>
      ${found.length > shown.length
        ? html`<button class="button quiet flush" @click=${this.more}>${icon('down', 18)}${t('voices.more', { count: found.length - shown.length })}</button>`
        : nothing}
    </section>`;
  }

  /** @param {import('../../api-types').Voice} voice */
  entry(voice) {
    const tongues = voice.languages.slice(0, 3).map(spoken).join(', ');
    const rest = voice.languages.length > 3 ? ' …' : '';
    return html`<li>
      <span class="grow"><span class="name">${voice.name}</span> ${voiceMark(voice)}<br><span class="about">${tongues}${rest}</span></span>
      ${speaks(voice) ? html`<koe-trial .voice=${voice.id} .name=${voice.name}></koe-trial>` : nothing}
      <button class="button quiet" aria-label="${t('voices.vary')}: ${voice.name}" title=${t('voices.vary_help')}
        @click=${() => void this.vary(voice)}>${icon('copy', 18)}${t('voices.vary')}</button>
    </li>`;
  }

  /** @param {Event} event */
  look(event) {
    this.looked = /** @type {HTMLInputElement} */ (event.target).value;
    this.most = FEW;
    this.requestUpdate();
  }

  more() {
    this.most += MORE;
    this.requestUpdate();
  }

  /** A voice of one's own that begins as this one. @param {import('../../api-types').Voice} voice */
  async vary(voice) {
    try {
      const { profile } = await post('api/voices', { name: t('voices.variation', { name: voice.name }).slice(0, 100), base: voice.id });
      say(t('voices.varied'));
      this.tell('changed');
      go(['voices', profile.id]);
    } catch (error) {
      sayError(error);
    }
  }
}

customElements.define('koe-builtin-voices', KoeBuiltinVoices);
