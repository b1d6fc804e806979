import { Clip } from '../audio/clip.js';
import { KoeElement, html, nothing, repeat } from '../lib/element.js';
import { t } from '../lib/words.js';
import './clip.js';
import { icon } from './icons.js';
import './recorder.js';

/** As many as a voice may have. */
const MOST = 10;

/** `<koe-clips>`: the recordings that a voice is to be made of, from files or from the microphone; see `<koe-clip>`. Tells `change`. */
export class KoeClips extends KoeElement {
  static properties = { language: {}, transcribes: { type: Boolean } };

  constructor() {
    super();
    this.language = '';
    this.transcribes = false;
    /** @type {Clip[]} */
    this.clips = [];
    this.recording = false;
    this.over = false;
    this.recorded = 0;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.clips.forEach((clip) => clip.close());
  }

  /** Whether a voice can be made of them. */
  get ready() {
    return this.clips.length > 0 && this.clips.every((clip) => !clip.busy && !clip.refused);
  }

  /** The form that the server takes. @param {{[name: string]: unknown}} data */
  form(data) {
    const form = new FormData();
    form.append('data', JSON.stringify(data));
    for (const clip of this.clips) {
      form.append('ref', clip.part(), 'clip');
      form.append('text', clip.transcript.trim());
    }
    return form;
  }

  render() {
    return html`
      <ul class="clips">${repeat(this.clips, (clip) => clip.url, (clip) => html`<li>
        <koe-clip .clip=${clip} .language=${this.language} .transcribes=${this.transcribes} @discard=${() => this.drop(clip)}></koe-clip></li>`)}</ul>
      ${this.recording ? html`<koe-recorder @recorded=${this.take} @cancelled=${this.leaveRecorder}></koe-recorder>` : nothing}
      ${this.clips.length < MOST ? this.sources() : nothing}`;
  }

  sources() {
    return html`<div class="dropping ${this.over ? 'over' : ''} ${this.clips.length || this.recording ? 'slim' : ''}"
      @dragover=${this.hover} @dragleave=${this.leave} @drop=${this.receive}>
      ${this.clips.length === 0 && !this.recording ? html`<p>${t('voices.clip_help')}</p>` : nothing}
      <div class="row">
        ${this.recording ? nothing : html`<button type="button" class="button" @click=${this.record}>
          ${icon('record', 18)}${this.clips.length ? t('voices.record_more') : t('voices.use_microphone')}</button>`}
        <label class="button">${icon('upload', 18)}${this.clips.length ? t('voices.choose_more') : t('voices.choose_file')}
          <input class="unseen" type="file" accept="audio/*,video/mp4,.wav,.mp3,.m4a,.flac,.ogg" multiple @change=${this.choose}></label>
      </div>
      ${this.clips.length === 0 && !this.recording ? html`<p class="small quiet">${t('voices.drop_here')}</p>` : nothing}
    </div>`;
  }

  record() {
    this.recording = true;
    this.requestUpdate();
    void this.updateComplete.then(() => /** @type {HTMLElement | null} */ (this.querySelector('.recorder button'))?.focus());
  }

  leaveRecorder() {
    this.recording = false;
    this.requestUpdate();
  }

  /** @param {CustomEvent<{file: Blob, transcript: string}>} event */
  take(event) {
    this.recording = false;
    const { file, transcript } = event.detail;
    this.recorded += 1;
    this.add(new Clip(file, t('voices.recording_number', { number: this.recorded }), transcript));
  }

  /** @param {Event} event */
  choose(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    this.bring([...(input.files ?? [])]);
    input.value = '';
  }

  /** @param {File[]} files */
  bring(files) {
    for (const file of files.slice(0, MOST - this.clips.length)) this.add(new Clip(file, file.name));
  }

  /** @param {Clip} clip */
  add(clip) {
    this.clips = [...this.clips, clip];
    clip.addEventListener('change', () => this.tell('change'), { signal: this.gone });
    void clip.open();
    this.requestUpdate();
  }

  /** @param {Clip} clip */
  drop(clip) {
    clip.close();
    this.clips = this.clips.filter((each) => each !== clip);
    this.requestUpdate();
    this.tell('change');
  }

  /** @param {DragEvent} event */
  hover(event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.over = true;
    this.requestUpdate();
  }

  leave() {
    this.over = false;
    this.requestUpdate();
  }

  /** @param {DragEvent} event */
  receive(event) {
    event.preventDefault();
    this.leave();
    this.bring([...(event.dataTransfer?.files ?? [])]);
  }
}

customElements.define('koe-clips', KoeClips);
