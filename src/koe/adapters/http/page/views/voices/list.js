import { address, remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/trial.js';
import { voiceMark } from '../../components/voice-mark.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, sayError, why } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { isComing, speaks, spoken } from '../../lib/voices.js';
import { t } from '../../lib/words.js';
import './builtin.js';

/** @typedef {import('../../api-types').Voice} Voice */

/** `<koe-voice-list .voices .abilities>`: those made here as cards, those of the engines below. Tells `bring` with files. */
class KoeVoiceList extends KoeElement {
  static properties = { voices: { attribute: false }, abilities: { attribute: false } };

  constructor() {
    super();
    /** @type {Voice[] | null} */
    this.voices = null;
    /** @type {import('../../api-types').Abilities | null} */
    this.abilities = null;
  }

  render() {
    const own = this.voices?.filter((voice) => voice.own) ?? [];
    return html`
      <div class="head">
        <h1 tabindex="-1">${t('nav.voices')}</h1>
        <div class="end row">
          ${own.some((voice) => voice.state !== 'broken')
            ? html`<a class="button quiet" href=${address('api/voices/export')} download>${icon('download', 18)}${t('voices.export_all')}</a>`
            : nothing}
          <label class="button quiet">${icon('upload', 18)}${t('voices.import')}
            <input class="unseen" type="file" accept=".zip,application/zip" @change=${this.choose}></label>
          ${own.length > 0 ? this.makers() : nothing}
        </div>
      </div>
      ${this.voices === null ? nothing : own.length > 0 ? this.cards(own) : this.none()}
      <koe-builtin-voices .voices=${this.voices?.filter((voice) => !voice.own) ?? []}></koe-builtin-voices>`;
  }

  makers() {
    return html`<a class="button primary" href=${link(['voices'], { new: 'clip' })}>${icon('plus', 18)}${t('voices.make')}</a>`;
  }

  none() {
    const lacking = this.abilities && !this.abilities.clone.ready && !this.abilities.design.ready;
    return html`<div class="empty">
      <h2>${t('voices.empty')}</h2>
      <p>${lacking ? t('voices.empty_lacking') : t('voices.empty_help')}</p>
      <div class="row">
        ${lacking ? html`<a class="button primary" href=${link(['house'])}>${t('voices.get_model')}</a>` : html`
          <a class="button primary" href=${link(['voices'], { new: 'clip' })}>${icon('record', 18)}${t('voices.make_from_clip')}</a>
          <a class="button" href=${link(['design'])}>${icon('design', 18)}${t('voices.make_from_words')}</a>`}
      </div>
    </div>`;
  }

  /** @param {Voice[]} own */
  cards(own) {
    return html`<ul class="cards" aria-label=${t('voices.made_here')}>
      ${repeat(own, (voice) => voice.id, (voice) => html`<li class="card">${voice.state === 'broken' ? this.broken(voice) : this.card(voice)}</li>`)}
    </ul>`;
  }

  /** @param {Voice} voice */
  card(voice) {
    const [best, ...others] = voice.languages;
    const tongues = others.length > 0 ? t('voices.and_more', { language: spoken(best), count: others.length }) : spoken(best);
    return html`
      <div class="card-head">
        <h2><a href=${link(['voices', voice.id])}>${voice.name}</a></h2>
        ${voiceMark(voice)}
      </div>
      <p class="about">${t(`voices.kind_${voice.kind ?? 'cloned'}`)} · ${tongues}</p>
      ${voice.description ? html`<p class="text">${voice.description}</p>` : nothing}
      ${voice.tags.length > 0 ? html`<p class="tags">${voice.tags.map((tag) => html`<span class="mark">${tag}</span>`)}</p>` : nothing}
      ${speaks(voice)
        ? html`<koe-trial .voice=${voice.id} .name=${voice.name}></koe-trial>`
        : isComing(voice)
          ? html`<p class="note small">${t(`voice.${voice.state}_help`)}</p>`
          : html`<p class="note warn small">${why(voice)}</p>`}`;
  }

  /** @param {Voice} voice */
  broken(voice) {
    return html`
      <div class="card-head"><h2>${voice.id || t('voices.broken_file')}</h2>${voiceMark(voice)}</div>
      <p class="note bad small">${why(voice)}</p>
      <p class="about">${voice.preset ? t('voices.broken_preset') : t('voices.broken_help')}</p>
      ${voice.preset || !voice.id ? nothing : html`<div><button class="button bad" @click=${() => void this.forget(voice)}>
        ${icon('bin', 18)}${t('voices.remove')}</button></div>`}`;
  }

  /** @param {Voice} voice */
  async forget(voice) {
    if (!(await sure(t('voices.remove_sure', { name: voice.id }), t('voices.remove')))) return;
    try {
      await remove(`api/voices/${encodeURIComponent(voice.id)}`);
      say(t('voices.removed', { name: voice.id }));
    } catch (error) {
      sayError(error);
    }
    this.tell('changed');
  }

  /** @param {Event} event */
  choose(event) {
    event.stopPropagation();
    const input = /** @type {HTMLInputElement} */ (event.target);
    this.tell('bring', [...(input.files ?? [])]);
    input.value = '';
  }
}

customElements.define('koe-voice-list', KoeVoiceList);
