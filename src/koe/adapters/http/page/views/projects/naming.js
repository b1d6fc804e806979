// Asks for a project's name.
import { answered } from '../../components/dialog.js';
import { html } from '../../lib/element.js';
import { t } from '../../lib/words.js';

/** @param {string} heading @param {string} yes What the button says. @param {string} [name] @returns {Promise<string | null>} */
export function askName(heading, yes, name = '') {
  return answered(heading, (end) => {
    /** @param {SubmitEvent} event */
    const send = (event) => {
      event.preventDefault();
      const written = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('name')).trim();
      if (written) end(written);
    };
    return html`<form @submit=${send}>
      <div class="field">
        <label for="project-name">${t('projects.name')}</label>
        <input id="project-name" name="name" class="input" required maxlength="100" .value=${name} autocomplete="off" autofocus>
      </div>
      <div class="ends">
        <button type="button" class="button" @click=${() => end(null)}>${t('app.cancel')}</button>
        <button class="button primary">${yes}</button>
      </div>
    </form>`;
  });
}
