import { upload } from '../../api.js';
import { icon } from '../../components/icons.js';
import '../../components/voice-picker.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { inWords, say } from '../../lib/notices.js';
import { go } from '../../lib/router.js';
import { t } from '../../lib/words.js';
import { fields } from './fields.js';
import { KINDS, OUTPUT, draftOf, forget, requestOf } from './kinds.js';
import './preview.js';
import './source.js';

/** Milliseconds without a change until it is looked at. */
const PAUSE = 400;
/** Larger files are sent for a look only when somebody asks for it. */
const MOST_BYTES = 4_000_000;
const MOST_SPEAKERS = 60;

/** `<koe-production-form kind="script" .voices=${[...]} house="...">`: prepares a production, shows what it will be, and starts it. */
class KoeProductionForm extends KoeElement {
  static properties = { kind: {}, voices: { attribute: false }, house: {} };

  constructor() {
    super();
    this.kind = 'long';
    /** @type {import('../../api-types').Voice[]} */
    this.voices = [];
    this.house = '';
    /** @type {import('../../api-types').Plan | null} */
    this.plan = null;
    /** Whether the plan is of what stands in the form. */
    this.fresh = false;
    this.failure = '';
    this.busy = false;
    this.asking = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  get draft() {
    return draftOf(this.kind);
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('kind')) return;
    this.plan = null;
    this.failure = '';
    this.later(0);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    this.asking.abort();
  }

  render() {
    const kind = KINDS[this.kind];
    const { values, voice } = this.draft;
    const more = [...kind.more, ...OUTPUT[this.kind]];
    return html`<form class="stack production" novalidate @submit=${this.start}>
      <koe-source .kind=${this.kind} .accept=${kind.accept} .draft=${this.draft} @given=${() => this.later()}></koe-source>
      ${this.table(kind.table)}
      <div class="grid">
        ${kind.speaks
          ? html`<koe-voice-picker .voices=${this.voices} .value=${voice} .house=${this.house}
              .label=${t(kind.table ? 'productions.others' : 'productions.voice')} @pick=${this.pick}></koe-voice-picker>`
          : nothing}
        ${fields(kind.fields, values, this.set)}
        <div class="field">
          <label for="production-title">${t('productions.title')}</label>
          <input id="production-title" class="input" maxlength="200" .value=${String(values.title ?? '')}
            placeholder=${t('productions.title_usual')} @input=${this.name}>
        </div>
      </div>
      ${more.length > 0
        ? html`<details class="more"><summary>${t('productions.more')}</summary><div class="grid">${fields(more, values, this.set)}</div></details>`
        : nothing}
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : nothing}
      ${this.plan ? html`<koe-preview class=${this.fresh ? '' : 'stale'} .plan=${this.plan} .kind=${this.kind} .draft=${this.draft}></koe-preview>` : nothing}
      ${this.buttons()}
    </form>`;
  }

  buttons() {
    const large = this.large && !this.plan;
    return html`<div class="row start">
      <button class="button primary" ?disabled=${this.busy || !(large || (this.fresh && this.plan?.is_ready))}>
        ${icon('play', 18)}${t('productions.start')}
      </button>
      ${large ? html`<button type="button" class="button" @click=${() => void this.look()}>${t('productions.look')}</button>` : nothing}
      <span class="small quiet" role="status">${this.hint(large)}</span>
    </div>`;
  }

  /** @param {boolean} large */
  hint(large) {
    if (this.busy) return t('productions.starting');
    if (this.isEmpty) return t('productions.nothing_yet');
    if (large) return t('productions.large');
    if (this.plan && !this.plan.is_ready) return t('productions.mend_first');
    return '';
  }

  /** Who speaks, and with whose voice. @param {string} name */
  table(name) {
    const items = this.plan?.items ?? [];
    const names = [...new Set([...items.map((item) => item.group), ...Object.keys(this.draft.table)])].filter(Boolean);
    if (!name || names.length === 0) return nothing;
    const shown = names.slice(0, MOST_SPEAKERS);
    return html`<fieldset class="field">
      <legend>${t('productions.speakers')}</legend>
      <ul class="speakers">${shown.map((each) => html`<li>
        <koe-voice-picker .voices=${this.voices} .value=${this.draft.table[each] ?? ''} .label=${each}
          .house=${t('productions.as_others')} @pick=${(/** @type {CustomEvent<string>} */ event) => this.give(each, event.detail)}></koe-voice-picker>
      </li>`)}</ul>
      ${names.length > MOST_SPEAKERS ? html`<p class="hint">${t('productions.speakers_cut', { most: MOST_SPEAKERS })}</p>` : nothing}
    </fieldset>`;
  }

  /** @param {string} name @param {string} voice */
  give(name, voice) {
    this.draft.table[name] = voice;
    this.later(0);
  }

  /** @param {CustomEvent<string>} event */
  pick(event) {
    this.draft.voice = event.detail;
    this.later(0);
  }

  /** @param {Event} event */
  name(event) {
    this.draft.values.title = /** @type {HTMLInputElement} */ (event.target).value;
  }

  set = (/** @type {string} */ name, /** @type {string | boolean} */ value) => {
    this.draft.values[name] = value;
    this.later();
  };

  get isEmpty() {
    return !this.draft.file && !this.draft.text.trim();
  }

  get large() {
    return (this.draft.file?.size ?? 0) > MOST_BYTES;
  }

  /** Looks at it as soon as nothing changes any more. */
  later(wait = PAUSE) {
    clearTimeout(this.timer);
    this.asking.abort();
    this.fresh = false;
    if (this.isEmpty || this.large) {
      this.plan = null;
      this.failure = '';
    } else {
      this.timer = setTimeout(() => void this.look(), wait);
    }
    this.requestUpdate();
  }

  async look() {
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      this.plan = await upload('api/jobs/plan', requestOf(this.kind, this.draft), {}, signal);
      this.fresh = true;
      this.failure = '';
    } catch (error) {
      if (signal.aborted) return;
      this.plan = null;
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }

  /** @param {Event} event */
  async start(event) {
    event.preventDefault();
    this.busy = true;
    this.requestUpdate();
    try {
      const job = await upload('api/jobs', requestOf(this.kind, this.draft));
      forget(this.kind);
      say(t('productions.started', { title: job.title }));
      go(['productions']);
    } catch (error) {
      this.failure = inWords(error);
    }
    this.busy = false;
    this.requestUpdate();
  }
}

customElements.define('koe-production-form', KoeProductionForm);
