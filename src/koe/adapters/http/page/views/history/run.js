import { address, get, post } from '../../api.js';
import { ask } from '../../components/dialog.js';
import { icon } from '../../components/icons.js';
import '../../components/player.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { inWords, say, sayError } from '../../lib/notices.js';
import { loadVoices } from '../../lib/voices.js';
import { bytes, t } from '../../lib/words.js';
import './spoken.js';

/** @typedef {import('../../api-types').RunDetails} RunDetails */
/** @typedef {{file: string, seconds: number, group: string, text: string, voice: string, seed?: number}} Told */
/** @typedef {{name: string, size: number, items: Told[]}} RunFile */

const SOUND = /\.(wav|flac|mp3|opus|m4b)$/;
const PAGE = 25;

/**
 * `<koe-run run="ID" main="audio.wav">`: its sounds, each to be heard and taken along; those of `main` have a player
 * elsewhere. Of a production, what is said in each; where that is one take, it can be kept.
 */
class KoeRun extends KoeElement {
  static properties = { run: {}, main: {} };

  constructor() {
    super();
    this.run = '';
    this.main = '';
    /** @type {RunDetails | null} */
    this.details = null;
    /** @type {RunFile[]} */
    this.files = [];
    this.shown = PAGE;
    this.failure = '';
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('run') && this.run) void this.load();
  }

  async load() {
    try {
      /** @type {RunDetails} */
      const details = await get(`api/runs/${this.run}`, {}, this.gone);
      const made = details.files.some((file) => file.name === 'manifest.json');
      /** @type {Told[]} */
      const told = made ? (await get(`api/runs/${this.run}/files/manifest.json`, {}, this.gone)).items : [];
      this.details = details;
      const byFile = Map.groupBy(told, (item) => item.file);
      this.files = details.files
        .filter((file) => SOUND.test(file.name))
        .map((file) => ({ ...file, items: byFile.get(file.name) ?? [] }));
    } catch (error) {
      this.failure = inWords(error);
    }
    this.requestUpdate();
  }

  render() {
    if (this.failure) return html`<p class="note bad" role="alert">${this.failure}</p>`;
    if (!this.details) return html`<p class="small quiet" role="status">${t('history.loading')}</p>`;
    return html`
      ${this.files.some((file) => file.name !== this.main) ? this.list() : nothing}
      ${this.files.length > this.shown
        ? html`<button type="button" class="button small" @click=${this.more}>${t('history.more_files', { count: this.files.length - this.shown })}</button>`
        : nothing}
      <koe-spoken .run=${this.details}></koe-spoken>`;
  }

  list() {
    const files = this.files.slice(0, this.shown);
    return html`<ul class="list files">${repeat(files, (file) => file.name, (file) => html`<li>${this.file(file)}</li>`)}</ul>`;
  }

  /** @param {RunFile} file */
  file(file) {
    const source = address(`api/runs/${this.run}/files/${file.name}`);
    const take = this.details?.task === 'variations' && file.items.length === 1 ? file.items[0] : null;
    return html`
      <div class="grow">
        <span class="mono small">${file.name}</span>
        <span class="about">${this.aboutFile(file)}</span>
        ${file.name === this.main ? nothing : html`<koe-player .src=${source} .label=${file.name} .duration=${secondsOf(file)}></koe-player>`}
      </div>
      <div class="row">
        ${take ? html`<button type="button" class="button small" @click=${() => void this.keep(file, take)}>${icon('star', 16)}${t('history.keep_take')}</button>` : nothing}
        <a class="button quiet icon small" href=${source} download=${file.name.replace('/', ' ')}
          aria-label=${t('history.download', { name: file.name })} title=${t('history.download', { name: file.name })}>${icon('download', 16)}</a>
      </div>`;
  }

  /** @param {RunFile} file */
  aboutFile(file) {
    const groups = new Set(file.items.map((item) => item.group).filter(Boolean));
    const parts = groups.size > 0 && groups.size < 4 ? [...groups] : [];
    if (file.items.length === 1 && file.items[0].seed !== undefined) parts.push(t('history.seed', { seed: String(file.items[0].seed) }));
    return [...parts, bytes(file.size)].join(' · ');
  }

  more() {
    this.shown += PAGE * 2;
    this.requestUpdate();
  }

  /** @param {RunFile} file @param {Told} take */
  async keep(file, take) {
    try {
      const how = await this.how(take);
      if (!how) return;
      await post(`api/runs/${this.run}/keep`, { file: file.name, as_default: how === 'voice' });
      say(t('history.take_kept', { name: file.name }));
      this.tell('made');
    } catch (error) {
      sayError(error);
    }
  }

  /** Alone, or for its voice as well, where that was made here: null where it is to be left. @param {Told} take */
  async how({ seed, voice }) {
    const own = seed !== undefined && (await loadVoices(this.gone)).find((each) => each.id === voice && each.own && !each.preset);
    if (!own) return 'alone';
    return ask(t('history.keep_how'), [['alone', t('history.keep_alone')], ['voice', t('history.keep_voice', { name: own.name })]]);
  }
}

/** Of several items in one file there is silence between them: the player finds out how long it is. @param {RunFile} file */
function secondsOf({ items }) {
  return items.length === 1 ? items[0].seconds : 0;
}

customElements.define('koe-run', KoeRun);
