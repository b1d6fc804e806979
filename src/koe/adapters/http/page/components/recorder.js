import { IDEAL, Microphone, mayHear } from '../audio/microphone.js';
import { KoeElement, html } from '../lib/element.js';
import { inWords } from '../lib/notices.js';
import { clock, t } from '../lib/words.js';
import { icon } from './icons.js';
import { hush } from './player.js';
import './waveform.js';

/** How many texts there are to read: `voices.read_1` and so on. */
const TEXTS = 3;

/** `<koe-recorder>`: records what somebody reads or says. Tells `recorded` with `{file, transcript}`, or `cancelled`. */
class KoeRecorder extends KoeElement {
  constructor() {
    super();
    /** @type {Microphone | null} */
    this.microphone = null;
    this.failure = '';
    this.text = 1;
    this.free = false;
    this.opening = false;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.microphone?.stop();
  }

  render() {
    if (!mayHear()) return this.refused();
    return html`<div class="recorder">
      ${this.free ? html`<p class="read">${t('voices.read_free')}</p>` : html`
        <p class="small quiet">${t('voices.read_this')}</p>
        <p class="read" lang=${document.documentElement.lang}>${t(`voices.read_${this.text}`)}</p>`}
      ${this.microphone ? this.hearing(this.microphone) : this.ready()}
      ${this.failure ? html`<p class="note bad" role="alert">${this.failure}</p>` : ''}
    </div>`;
  }

  refused() {
    return html`<div class="note warn">
      <strong>${t('voices.insecure')}</strong>${t('voices.insecure_help')}
      <p><button type="button" class="button quiet small" @click=${() => this.tell('cancelled')}>${t('app.close')}</button></p>
    </div>`;
  }

  ready() {
    return html`<div class="row">
      <button type="button" class="button primary" @click=${() => void this.begin()}>${icon('record', 18)}${t('voices.record')}</button>
      <button type="button" class="button quiet" @click=${this.another}>${t('voices.read_another')}</button>
      <label class="check small"><input type="checkbox" .checked=${this.free} @change=${this.toggle}>${t('voices.read_own')}</label>
      <button type="button" class="button quiet end" @click=${() => this.tell('cancelled')}>${t('app.cancel')}</button>
    </div>
    <p class="hint small quiet">${t('voices.record_hint', IDEAL)}</p>`;
  }

  /** @param {Microphone} microphone */
  hearing(microphone) {
    const { checks, level, seconds } = microphone;
    return html`
      <div class="row hearing">
        <button type="button" class="button primary" @click=${this.end}>${icon('stop', 18)}${t('voices.record_stop')}</button>
        <span class="clock" role="timer">${clock(seconds)}</span>
        <div class="meter" role="meter" aria-label=${t('voices.level')} aria-valuemin="0" aria-valuemax="100"
          aria-valuenow=${Math.round(level * 100)}><div class=${checks.clipped ? 'over' : ''}></div></div>
      </div>
      <koe-waveform growing .label=${t('voices.recording')} .peaks=${microphone.bars} progress="1"></koe-waveform>
      <ul class="checks" aria-live="polite">
        ${this.check('length', checks.length)}
        ${this.check(checks.clipped ? 'clip' : 'level', checks.level)}
        ${this.check('noise', checks.noise)}
      </ul>`;
  }

  /** @param {string} name @param {string} verdict */
  check(name, verdict) {
    const picture = { good: 'check', bad: 'close', wait: 'history' }[verdict] ?? 'check';
    return html`<li class=${verdict}>${icon(picture, 16)}${t(`voices.check_${name}_${verdict}`, IDEAL)}</li>`;
  }

  updated() {
    if (this.microphone) this.style.setProperty('--level', String(this.microphone.level));
  }

  another() {
    this.text = (this.text % TEXTS) + 1;
    this.free = false;
    this.requestUpdate();
  }

  /** @param {Event} event */
  toggle(event) {
    this.free = /** @type {HTMLInputElement} */ (event.target).checked;
    this.requestUpdate();
  }

  async begin() {
    if (this.opening) return;
    this.opening = true;
    hush();
    this.failure = '';
    const microphone = new Microphone();
    microphone.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
    microphone.addEventListener('full', () => this.end(), { signal: this.gone, once: true });
    try {
      await microphone.open();
      if (this.gone.aborted) return void microphone.stop();
      this.microphone = microphone;
    } catch (error) {
      microphone.stop();
      this.failure = whyNot(error);
    }
    this.opening = false;
    this.requestUpdate();
  }

  end() {
    const file = this.microphone?.stop();
    this.microphone = null;
    this.failure = file ? '' : t('voices.nothing_heard');
    this.requestUpdate();
    if (file) this.tell('recorded', { file, transcript: this.free ? '' : t(`voices.read_${this.text}`) });
  }
}

/** @param {unknown} error */
function whyNot(error) {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return t('voices.not_allowed');
  if (name === 'NotFoundError') return t('voices.no_microphone');
  if (name === 'NotReadableError') return t('voices.microphone_busy');
  return inWords(error);
}

customElements.define('koe-recorder', KoeRecorder);
