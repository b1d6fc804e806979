import { events, get, post, remove } from '../../api.js';
import { sure } from '../../components/dialog.js';
import { connection } from '../../lib/connection.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { say, sayError, why } from '../../lib/notices.js';
import { bytes, number, t } from '../../lib/words.js';
import { watch } from '../../lib/watching.js';
import './bench.js';

/** @typedef {import('../../api-types').Model} Model */

const ABSENT = ['missing', 'incomplete', 'damaged'];

/** The engines, and the checkpoints of Qwen3-TTS: to get, to load, to remove. */
class KoeHouseModels extends KoeElement {
  constructor() {
    super();
    /** @type {Model[] | null} */
    this.models = null;
    /** @type {import('../../api-types').EngineHealth[]} */
    this.engines = [];
    /** @type {Map<string, {done: number, total: number}>} Downloads that are listened to. */
    this.coming = new Map();
  }

  connectedCallback() {
    super.connectedCallback();
    connection.addEventListener('back', () => void this.load(), { signal: this.gone });
    watch(() => this.load(), 3, this.gone);
  }

  async load() {
    try {
      const [found, house] = await Promise.all([get('api/models', {}, this.gone), get('api/house', {}, this.gone)]);
      this.models = found.models;
      this.engines = house.engines;
      this.requestUpdate();
      // One that was begun elsewhere is joined.
      for (const model of found.models) if (model.state === 'downloading') void this.download(model);
    } catch (error) {
      if (this.models === null) sayError(error);
    }
  }

  render() {
    if (!this.models) return nothing;
    return html`
      <section class="part">
        <h2>${t('models.engines')}</h2>
        <ul class="list">${this.engines.map(
          (each) => html`<li>
            <span class="grow"><span class="name">${each.name}</span>
              ${each.reason ? html`<br><span class="about">${why(each)}</span>` : nothing}</span>
            <span class="mark ${each.ready ? 'good' : 'warn'}">${t(each.ready ? 'models.ready' : 'models.not_ready')}</span>
          </li>`,
        )}</ul>
      </section>
      <section class="part">
        <h2>${t('models.title')}</h2>
        <p class="lead">${t('models.about')}</p>
        <ul class="list">${repeat(this.models, (each) => each.name, (each) => this.model(each))}</ul>
      </section>
      <koe-house-bench></koe-house-bench>`;
  }

  /** @param {Model} model */
  model(model) {
    const coming = this.coming.get(model.name);
    const kind = { loaded: 'good', damaged: 'bad', incomplete: 'warn' }[/** @type {string} */ (model.state)] ?? '';
    const figures = [bytes(coming?.total ?? model.total ?? model.bytes)];
    if (model.memory) figures.push(t('models.memory', { size: bytes(model.memory) }));
    return html`<li>
      <div class="grow">
        <span class="name">${model.name.replace('Qwen3-TTS-12Hz-', '')}</span>
        <span class="mark ${kind}">${t(`models.state_${coming ? 'downloading' : model.state}`)}</span><br>
        <span class="about">${model.does} · ${figures.join(' · ')}</span>
        ${model.problem ? html`<p class="small bad-text">${model.problem}</p>` : nothing}
      </div>
      <div class="row">${coming ? this.cancel(model) : this.actions(model)}</div>
      ${coming ? this.progress(model, coming) : nothing}
    </li>`;
  }

  /** @param {Model} model @param {{done: number, total: number}} coming */
  progress(model, { done, total }) {
    const share = total ? done / total : 0;
    return html`<div class="whole">
      <progress max="1" .value=${share} aria-label=${t('models.getting', { name: model.name })}></progress>
      <p class="small quiet">${number(share, { style: 'percent' })} · ${bytes(done)} / ${bytes(total)}</p>
    </div>`;
  }

  /** @param {Model} model */
  cancel(model) {
    return html`<button class="button small" @click=${() => this.stop(model)}>${t('app.cancel')}</button>`;
  }

  /** @param {Model} model */
  actions(model) {
    const name = model.name;
    const path = `api/models/${encodeURIComponent(name)}`;
    const get = html`<button class="button small" aria-label="${t('models.download')} ${name}"
      @click=${() => this.download(model)}>${t('models.download')}</button>`;
    const drop = html`<button class="button quiet small bad" aria-label="${t('app.remove')} ${name}"
      @click=${() => this.drop(model, path)}>${t('app.remove')}</button>`;
    if (ABSENT.includes(model.state)) return [get, model.state === 'missing' ? nothing : drop];
    const load = model.state === 'loaded' ? 'unload' : 'load';
    return [
      html`<button class="button small" aria-label="${t(`models.${load}`)} ${name}" ?disabled=${model.state === 'loading'}
        @click=${() => this.act(() => post(`${path}/${load}`))}>${t(`models.${load}`)}</button>`,
      drop,
    ];
  }

  /** @param {() => Promise<unknown>} act */
  async act(act) {
    try {
      await act();
    } catch (error) {
      sayError(error);
    }
    await this.load();
  }

  /** @param {Model} model @param {string} path */
  async drop(model, path) {
    if (await sure(t('models.remove_question', { name: model.name }), t('app.remove'))) await this.act(() => remove(path));
  }

  /** @param {Model} model */
  async stop(model) {
    await this.act(() => remove(`api/models/${encodeURIComponent(model.name)}/download`));
  }

  /** It goes on when the page is left. @param {Model} model */
  async download(model) {
    if (this.coming.has(model.name)) return;
    this.coming.set(model.name, { done: 0, total: model.total ?? model.bytes });
    this.requestUpdate();
    try {
      for await (const { event, data } of events('api/models/download', { body: { name: model.name }, signal: this.gone })) {
        if (event === 'progress') this.coming.set(model.name, data);
        if (event === 'done') say(t('models.here', { name: model.name }));
        this.requestUpdate();
      }
    } catch (error) {
      sayError(error);
    } finally {
      this.coming.delete(model.name);
      if (!this.gone.aborted) await this.load();
    }
  }
}

customElements.define('koe-house-models', KoeHouseModels);
