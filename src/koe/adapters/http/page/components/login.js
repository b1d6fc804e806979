import { ApiError, post } from '../api.js';
import { connection } from '../lib/connection.js';
import { KoeElement, html, nothing } from '../lib/element.js';
import { inWords } from '../lib/notices.js';
import { t } from '../lib/words.js';
import { modal } from './dialog.js';

/** `<koe-login>`: asks for the token, once for each browser and week. */
class KoeLogin extends KoeElement {
  constructor() {
    super();
    this.wrong = '';
    this.busy = false;
  }

  render() {
    return modal(t('login.title'), this.form());
  }

  form() {
    return html`<form class="stack" @submit=${this.signIn}>
      <p>${t('login.why')}</p>
      <div class="field">
        <label for="token">${t('login.token')}</label>
        <input id="token" class="input mono" type="password" name="token" autocomplete="current-password" required
          autofocus aria-describedby="token-hint" aria-invalid=${this.wrong ? 'true' : 'false'}>
        ${this.wrong ? html`<p class="wrong" role="alert">${this.wrong}</p>` : nothing}
        <p class="hint" id="token-hint">${t('login.where')} <code>config/token</code></p>
      </div>
      <div class="ends">
        <button class="button primary" ?disabled=${this.busy}>${t('login.sign_in')}</button>
      </div>
    </form>`;
  }

  /** @param {SubmitEvent} event */
  async signIn(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    this.busy = true;
    this.requestUpdate();
    try {
      await post('api/session', { token: String(new FormData(form).get('token')).trim() });
      connection.signedIn();
    } catch (error) {
      this.wrong = error instanceof ApiError && error.status === 401 ? t('login.wrong') : inWords(error);
      this.busy = false;
      this.requestUpdate();
    }
  }
}

customElements.define('koe-login', KoeLogin);
