import { KoeElement, html, nothing } from '../lib/element.js';
import { sentence } from '../lib/notices.js';
import { number, seconds, t } from '../lib/words.js';
import { icon } from './icons.js';
import './player.js';
import './waveform.js';

/** `<koe-take .player=${SpeechPlayer}>`: what is being said, then what was said: to hear again, to take along. */
class KoeTake extends KoeElement {
  static properties = { player: { attribute: false }, name: {} };

  constructor() {
    super();
    /** @type {import('../audio/stream.js').SpeechPlayer | null} */
    this.player = null;
    /** The file's, without an ending. */
    this.name = 'speech';
    this.url = '';
    this.listening = new AbortController();
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('player')) return;
    this.listening.abort();
    this.listening = new AbortController();
    this.forget();
    this.player?.addEventListener('change', () => this.follow(), { signal: this.listening.signal });
    this.follow();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.listening.abort();
    this.forget();
  }

  follow() {
    const done = this.player && !['waiting', 'speaking'].includes(this.player.state);
    if (this.player && done && !this.url && this.player.samples > 0) this.url = URL.createObjectURL(this.player.file());
    this.requestUpdate();
  }

  forget() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = '';
  }

  render() {
    const player = this.player;
    if (!player) return nothing;
    return html`
      <div class="take" role="group" aria-label=${t('take.title')}>
        ${this.url
          ? html`<koe-player eager .src=${this.url} .label=${t('take.title')} .duration=${player.duration}></koe-player>`
          : html`<koe-waveform growing .label=${t('take.title')} .peaks=${player.peaks} .progress=${player.progress}></koe-waveform>`}
        ${player.fallback ? html`<p class="note warn" role="status">${t('take.fallback', { voice: player.voice })} ${sentence(player.fallback)}</p>` : nothing}
        <div class="row">
          <p class="figures small" role="status">${this.figures()}</p>
          ${this.url
            ? html`<a class="button quiet small end" href=${this.url} download="${this.name}.wav">
                ${icon('download', 16)}${t('take.download')}
              </a>`
            : nothing}
        </div>
      </div>`;
  }

  figures() {
    const { state, firstAudio, duration, pace, starved } = /** @type {NonNullable<typeof this.player>} */ (this.player);
    if (state === 'waiting') return t('take.waiting');
    if (firstAudio === null) return '';
    const parts = [t('take.first_audio', { time: seconds(firstAudio) }), t('take.duration', { time: seconds(duration) })];
    if (pace !== null) parts.push(t('take.pace', { times: number(pace, { maximumFractionDigits: pace < 10 ? 1 : 0 }) }));
    if (starved) parts.push(t('take.starved'));
    return parts.join(' · ');
  }
}

customElements.define('koe-take', KoeTake);
