// The frame: the ways to the views, the view that is open, and what holds for all of them.
import './components/login.js';
import './components/notices.js';
import { icon } from './components/icons.js';
import { KoeElement, html, nothing } from './lib/element.js';
import { connection } from './lib/connection.js';
import { keep, kept } from './lib/kept.js';
import { here, link } from './lib/router.js';
import { LANGUAGES, chooseLanguage, firstLanguage, t, words } from './lib/words.js';

/** The views by their names: each is a module of its own, loaded when it is opened first, that defines `koe-NAME`. */
const VIEWS = ['speak', 'voices', 'design', 'productions', 'projects', 'history', 'house'];
/** Those that are reached from another one. */
const WITHIN = new Map([['projects', 'productions']]);
const THEMES = ['system', 'light', 'dark'];

class KoeApp extends KoeElement {
  constructor() {
    super();
    this.view = '';
    this.failed = false;
    this.theme = kept('theme') ?? 'system';
  }

  connectedCallback() {
    super.connectedCallback();
    const options = { signal: this.gone };
    window.addEventListener('hashchange', () => void this.open(), options);
    connection.addEventListener('change', () => this.requestUpdate(), options);
    words.addEventListener('change', () => this.nameThePage(), options);
    connection.watch();
    void this.open();
  }

  async open() {
    const wanted = here().view;
    const view = VIEWS.includes(wanted) ? wanted : VIEWS[0];
    const before = this.view;
    if (view === before && !this.failed) return;
    let failed = false;
    try {
      await import(`./views/${view}.js`);
    } catch (error) {
      // It is gone with an update, or the server is away.
      console.warn(error);
      failed = true;
    }
    // While it was loaded, another one may have been asked for.
    if (here().view !== wanted) return;
    this.view = view;
    this.failed = failed;
    this.nameThePage();
    this.requestUpdate();
    await this.updateComplete;
    if (before) this.querySelector('main')?.focus();
    window.scrollTo(0, 0);
  }

  nameThePage() {
    if (this.view) document.title = `${t(`nav.${this.view}`)} – Koe`;
  }

  render() {
    return html`
      <a class="button skip" href=${link([this.view])} @click=${this.skip}>${t('app.skip')}</a>
      <header class="rail">
        <a class="brand" href=${link(['speak'])}>
          <img src=${new URL('icon.svg', import.meta.url).href} alt="">Koe
        </a>
        <nav aria-label=${t('app.views')}>
          <ul class="ways">${VIEWS.filter((name) => !WITHIN.has(name)).map((name) => this.way(name))}</ul>
        </nav>
        <div class="rail-foot">${this.foot()}</div>
      </header>
      <div class="main">
        ${this.banner()}
        <main id="main" tabindex="-1">${this.content()}</main>
      </div>
      <koe-notices></koe-notices>
      ${connection.state === 'signed-out' ? html`<koe-login></koe-login>` : nothing}
    `;
  }

  /** @param {string} name */
  way(name) {
    return html`<li>
      <a href=${link([name])} aria-current=${name === (WITHIN.get(this.view) ?? this.view) ? 'page' : nothing}>
        ${icon(name, 20)}<span>${t(`nav.${name}`)}</span>
      </a>
    </li>`;
  }

  foot() {
    const next = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
    const named = `${t('app.theme')}: ${t(`app.theme_${this.theme}`)}`;
    return html`
      <button class="button quiet icon small" aria-label=${named} title=${named} @click=${() => this.useTheme(next)}>
        ${icon(this.theme, 18)}
      </button>
      <label class="unseen" for="language">${t('app.language')}</label>
      <select id="language" class="button quiet small" @change=${this.useLanguage}>
        ${Object.entries(LANGUAGES).map(
          ([tag, name]) => html`<option value=${tag} ?selected=${tag === words.language}>${name}</option>`,
        )}
      </select>`;
  }

  banner() {
    if (connection.state === 'away') return html`<div class="banner" role="status">${t('app.away')}</div>`;
    if (!connection.updated) return nothing;
    return html`<div class="banner" role="status">
      ${t('app.updated')}<button class="button small" @click=${() => location.reload()}>${t('app.reload')}</button>
    </div>`;
  }

  content() {
    if (this.failed) {
      return html`<div class="empty">
        <h1>${t('app.not_loaded')}</h1>
        <p>${t('app.not_loaded_help')}</p>
        <button class="button primary" @click=${() => location.reload()}>${t('app.reload')}</button>
      </div>`;
    }
    if (!this.view) return nothing;
    // Made by hand: a template can't have an element's name as a value.
    if (this.shown?.localName !== `koe-${this.view}`) this.shown = document.createElement(`koe-${this.view}`);
    return this.shown;
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    this.querySelector('main')?.focus();
  }

  /** @param {string} theme */
  useTheme(theme) {
    this.theme = theme;
    keep('theme', theme === 'system' ? null : theme);
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.requestUpdate();
  }

  /** @param {Event} event */
  useLanguage(event) {
    void chooseLanguage(/** @type {HTMLSelectElement} */ (event.target).value);
  }
}

await words.use(firstLanguage());
customElements.define('koe-app', KoeApp);
