import { icon } from '../../components/icons.js';
import { KoeElement, html, live } from '../../lib/element.js';
import { bytes, t } from '../../lib/words.js';

/** `<koe-source kind="script" .draft=${draft} accept=".txt">`: a text, typed or as a file. It writes into the draft, and tells `given`. */
class KoeSource extends KoeElement {
  static properties = { kind: {}, accept: {}, draft: { attribute: false } };

  constructor() {
    super();
    this.kind = '';
    this.accept = '';
    /** @type {import('./kinds.js').Draft | null} */
    this.draft = null;
    this.over = false;
  }

  render() {
    const draft = this.draft;
    if (!draft) return html``;
    return html`<div class="field drop ${this.over ? 'over' : ''}" @dragover=${this.hover} @dragleave=${this.leave} @drop=${this.drop}>
      <label for="production-text">${t(`productions.text_${this.kind}`)}</label>
      ${draft.file ? this.file(draft.file) : this.text(draft)}
      <div class="row">
        <label class="button small file">
          ${icon('upload', 16)}${t('productions.upload')}
          <input class="unseen" type="file" accept=${this.accept} @change=${this.choose}>
        </label>
        ${draft.file || draft.text ? html`` : html`<button type="button" class="button quiet small" @click=${this.example}>${t('productions.example')}</button>`}
        <span class="hint small quiet">${t('productions.accepts', { endings: this.accept.replaceAll(',', ' ') })}</span>
      </div>
    </div>`;
  }

  /** @param {File} file */
  file(file) {
    return html`<div class="row note" id="production-text" role="group" aria-label=${file.name}>
      <strong class="grow">${file.name}</strong><span class="small quiet">${bytes(file.size)}</span>
      <button type="button" class="button quiet icon small" aria-label=${t('productions.drop_file', { name: file.name })} @click=${() => this.use(null)}>
        ${icon('close', 16)}
      </button>
    </div>`;
  }

  /** @param {import('./kinds.js').Draft} draft */
  text(draft) {
    return html`<textarea id="production-text" class="input ${['npc', 'subtitles'].includes(this.kind) ? 'mono' : ''}" rows="8"
      spellcheck=${this.kind !== 'npc'} .value=${live(draft.text)} placeholder=${t(`productions.example_${this.kind}`)}
      @input=${(/** @type {Event} */ event) => this.write(/** @type {HTMLTextAreaElement} */ (event.target).value)}></textarea>`;
  }

  /** @param {string} text */
  write(text) {
    if (this.draft) this.draft.text = text;
    this.requestUpdate();
    this.tell('given');
  }

  /** @param {File | null} file */
  use(file) {
    if (this.draft) this.draft.file = file;
    this.requestUpdate();
    this.tell('given');
  }

  example() {
    this.write(t(`productions.example_${this.kind}`));
    void this.updateComplete.then(() => this.querySelector('textarea')?.focus());
  }

  /** @param {Event} event */
  choose(event) {
    event.stopPropagation();
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.files?.[0]) this.use(input.files[0]);
    // The same file can be chosen again after it was changed.
    input.value = '';
  }

  /** @param {DragEvent} event */
  hover(event) {
    event.preventDefault();
    this.over = true;
    this.requestUpdate();
  }

  leave() {
    this.over = false;
    this.requestUpdate();
  }

  /** @param {DragEvent} event */
  drop(event) {
    event.preventDefault();
    this.leave();
    const file = event.dataTransfer?.files[0];
    if (file) this.use(file);
  }
}

customElements.define('koe-source', KoeSource);
