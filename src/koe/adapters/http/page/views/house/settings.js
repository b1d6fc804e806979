import { ApiError, get, patch, remove } from '../../api.js';
import '../../components/setting.js';
import { whenThere } from '../../lib/connection.js';
import { KoeElement, html, nothing, repeat } from '../../lib/element.js';
import { inWords, say, sayError } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

/** @typedef {import('../../api-types').Setting} Setting */

/** By the first part of their names, in the order in which people look for them; others follow. */
const GROUPS = ['voice', 'engine', 'speech', 'transcription', 'outputs', 'jobs', 'wyoming', 'discovery', 'log', 'stop'];

/** What can be changed here, and what stands in the settings file. */
class KoeHouseSettings extends KoeElement {
  constructor() {
    super();
    /** @type {Setting[]} */
    this.settings = [];
    this.file = '';
    this.looked = '';
    /** @type {Map<string, string>} By setting: what was wrong with the value that was given. */
    this.wrong = new Map();
  }

  connectedCallback() {
    super.connectedCallback();
    whenThere(() => this.load(), this.gone);
  }

  async load() {
    try {
      const found = await get('api/settings', {}, this.gone);
      this.settings = found.settings;
      this.file = found.config_file;
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  render() {
    const found = this.settings.filter(({ name, description }) =>
      `${name} ${description}`.toLowerCase().includes(this.looked.toLowerCase()));
    const pending = this.settings.some((each) => each.pending);
    return html`<section class="part">
      ${pending ? html`<p class="note warn">${t('settings.pending')}</p>` : nothing}
      <div class="field">
        <label for="settings-search">${t('settings.search')}</label>
        <input id="settings-search" class="input" type="search" @input=${this.look}>
      </div>
      ${this.list(found.filter((each) => each.changeable))}
      ${found.length === 0 ? html`<p class="quiet">${t('settings.none')}</p>` : nothing}
      ${this.fixed(found.filter((each) => !each.changeable))}
    </section>`;
  }

  /** @param {Setting[]} settings */
  list(settings) {
    const groups = Map.groupBy(settings, groupOf);
    const rank = (/** @type {string} */ name) => (GROUPS.includes(name) ? GROUPS.indexOf(name) : GROUPS.length);
    const names = [...groups.keys()].sort((one, other) => rank(one) - rank(other));
    return names.map((name) => html`<h2>${GROUPS.includes(name) ? t(`settings.group_${name}`) : title(name)}</h2>
      <ul class="list settings">
        ${repeat(groups.get(name) ?? [], (each) => each.name, (each) => this.entry(each))}
      </ul>`);
  }

  /** @param {Setting} setting */
  entry(setting) {
    return html`<li><koe-setting .setting=${setting} .wrong=${this.wrong.get(setting.name) ?? ''}
      @set=${(/** @type {CustomEvent<unknown>} */ event) => this.change(setting, event.detail)}
      @reset=${() => this.reset(setting)}></koe-setting></li>`;
  }

  /** @param {Setting[]} settings */
  fixed(settings) {
    if (settings.length === 0) return nothing;
    return html`<details class="more">
      <summary>${t('settings.fixed', { count: settings.length })}</summary>
      <p class="quiet">${t('settings.fixed_about')} <code>${this.file}</code></p>
      <dl class="facts">${settings.map(
        (each) => html`<dt><code>${each.name}</code></dt>
          <dd>${JSON.stringify(each.value)} <span class="small quiet">${each.description}</span></dd>`,
      )}</dl>
    </details>`;
  }

  /** @param {Event} event */
  look(event) {
    this.looked = /** @type {HTMLInputElement} */ (event.target).value;
    this.requestUpdate();
  }

  /** @param {Setting} setting @param {unknown} value */
  async change(setting, value) {
    await this.keep(setting, () => patch('api/settings', { [setting.name]: value }));
  }

  /** @param {Setting} setting */
  async reset(setting) {
    await this.keep(setting, () => remove(`api/settings/${encodeURIComponent(setting.name)}`));
  }

  /** @param {Setting} setting @param {() => Promise<{settings: Setting[]}>} act */
  async keep(setting, act) {
    try {
      const [now] = (await act()).settings;
      this.settings = this.settings.map((each) => (each.name === now.name ? now : each));
      this.wrong.delete(setting.name);
      say(t(now.pending ? 'settings.kept_later' : 'settings.kept', { name: setting.name }));
    } catch (error) {
      if (!(error instanceof ApiError)) return sayError(error);
      this.wrong.set(setting.name, inWords(error));
    } finally {
      this.requestUpdate();
    }
  }
}

/** @param {Setting} setting */
function groupOf({ name }) {
  return name.includes('.') ? name.split('.')[0] : t('settings.group_house');
}

/** What no word was made for yet: home_assistant is Home assistant. @param {string} name */
function title(name) {
  const words = name.replaceAll('_', ' ');
  return words[0].toUpperCase() + words.slice(1);
}

customElements.define('koe-house-settings', KoeHouseSettings);
