// Voices: all of them (#/voices), a new one (#/voices?new), one (#/voices/anna).
import { get } from '../api.js';
import { whenThere } from '../lib/connection.js';
import { KoeElement, html, nothing } from '../lib/element.js';
import { Landing } from '../lib/landing.js';
import { sayError } from '../lib/notices.js';
import { go, here } from '../lib/router.js';
import { loadVoices, watchVoices } from '../lib/voices.js';
import { t } from '../lib/words.js';
import { importVoices } from './voices/importing.js';
import './voices/list.js';
import './voices/make.js';
import './voices/voice.js';

class KoeVoices extends KoeElement {
  constructor() {
    super();
    /** @type {import('../api-types').Voice[] | null} */
    this.voices = null;
    /** @type {import('../api-types').Abilities | null} */
    this.abilities = null;
    /** @type {File[]} Dropped here, to make a voice of. */
    this.brought = [];
    /** @type {import('../api-types').Made | null} A moment ago. */
    this.made = null;
    this.landing = new Landing(this, (files) => void this.take(files));
  }

  connectedCallback() {
    super.connectedCallback();
    const options = { signal: this.gone };
    window.addEventListener('hashchange', () => void this.moved(), options);
    this.addEventListener('changed', () => void this.load(), options);
    this.landing.begin();
    whenThere(() => this.load(), this.gone);
    watchVoices(() => this.voices ?? [], (voices) => {
      this.voices = voices;
      this.requestUpdate();
    }, this.gone);
  }

  async load() {
    try {
      const asked = [loadVoices(this.gone), get('api/voices/abilities', {}, this.gone)];
      [this.voices, this.abilities] = /** @type {[never, never]} */ (await Promise.all(asked));
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  async moved() {
    const { view, rest } = here();
    if (view !== 'voices') return;
    if (rest[0] !== this.made?.profile.id) this.made = null;
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector('h1')?.focus();
    window.scrollTo(0, 0);
  }

  render() {
    const { rest, query } = here();
    return html`${this.shown(rest[0] ?? '', query)}
      ${this.landing.over ? html`<div class="landing"><p>${t('voices.drop_now')}</p></div>` : nothing}`;
  }

  /** @param {string} id @param {URLSearchParams} query */
  shown(id, query) {
    const { voices, abilities } = this;
    if (query.has('new')) {
      return html`<koe-voice-make .abilities=${abilities} .brought=${this.brought} @made=${this.welcome}></koe-voice-make>`;
    }
    if (id) {
      const made = this.made?.profile.id === id ? this.made : null;
      return html`<koe-voice .voice=${id} .abilities=${abilities} .made=${made}
        .state=${voices?.find((voice) => voice.id === id)?.state} @removed=${this.removed}></koe-voice>`;
    }
    return html`<koe-voice-list .voices=${voices} .abilities=${abilities} @bring=${this.bring}></koe-voice-list>`;
  }

  /** @param {CustomEvent<import('../api-types').Made>} event */
  welcome(event) {
    this.made = event.detail;
    this.brought = [];
    go(['voices', event.detail.profile.id]);
    void this.load();
  }

  removed() {
    go(['voices']);
    void this.load();
  }

  /** @param {CustomEvent<File[]>} event */
  bring(event) {
    void this.take(event.detail);
  }

  /** Voices in zips are let in; of everything else a voice is made. @param {File[]} files */
  async take(files) {
    const zips = files.filter((file) => /\.zip$/i.test(file.name) || file.type.includes('zip'));
    const sounds = files.filter((file) => !zips.includes(file));
    for (const zip of zips) if (await importVoices(zip)) await this.load();
    if (sounds.length === 0) return;
    this.brought = sounds;
    if (here().query.has('new')) this.requestUpdate();
    else go(['voices'], { new: 'clip' });
  }
}

customElements.define('koe-voices', KoeVoices);
