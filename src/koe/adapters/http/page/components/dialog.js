import { KoeElement, html } from '../lib/element.js';
import { t } from '../lib/words.js';

/**
 * `<koe-dialog heading="...">`: a modal dialog around `.content` (a function that draws it). It opens when it comes into
 * the page, and tells `close` when it was closed; whoever put it there takes it away. Closed by Escape unless `firm`.
 */
class KoeDialog extends KoeElement {
  static properties = { heading: {}, content: { attribute: false }, firm: { type: Boolean } };

  constructor() {
    super();
    this.heading = '';
    this.firm = false;
    /** @type {() => unknown} */
    this.content = () => '';
  }

  firstUpdated() {
    this.querySelector('dialog')?.showModal();
  }

  render() {
    return html`<dialog aria-labelledby="dialog-heading" @close=${this.closed} @cancel=${this.cancelled}>
      <h2 id="dialog-heading">${this.heading}</h2>
      ${this.content()}
    </dialog>`;
  }

  /** @param {Event} event */
  cancelled(event) {
    if (this.firm) event.preventDefault();
  }

  /** @param {Event} event */
  closed(event) {
    event.stopPropagation();
    this.tell('close');
  }
}

customElements.define('koe-dialog', KoeDialog);

/**
 * Asks before something that can't be taken back: `if (await sure('Remove Anna?', 'Remove')) ...`.
 * @param {string} question @param {string} yes What the button says that does it.
 * @returns {Promise<boolean>}
 */
export async function sure(question, yes) {
  return (await ask(question, [['yes', yes]], 'bad')) !== null;
}

/**
 * Lets somebody choose: `await ask('Anna is here already.', [['skip', 'Leave it out'], ...])` is what was chosen, or null.
 * @param {string} question @param {[string, string][]} answers What is chosen, and what its button says.
 * @param {string} [look] Of those buttons.
 * @returns {Promise<string | null>}
 */
export function ask(question, answers, look = '') {
  const dialog = new KoeDialog();
  return new Promise((resolve) => {
    /** @param {string | null} answer */
    const end = (answer) => {
      dialog.remove();
      resolve(answer);
    };
    dialog.heading = question;
    dialog.content = () => html`<div class="ends">
      <button class="button" @click=${() => end(null)}>${t('app.cancel')}</button>
      ${answers.map(([answer, words]) => html`<button class="button ${look}" @click=${() => end(answer)}>${words}</button>`)}
    </div>`;
    dialog.addEventListener('close', () => end(null));
    document.body.append(dialog);
  });
}
