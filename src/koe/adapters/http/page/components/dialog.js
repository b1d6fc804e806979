import { html, ref } from '../lib/element.js';
import { t } from '../lib/words.js';
import { render } from '../vendor/lit/index.js';

/**
 * A modal dialog, as a part of an element's own template; it opens as soon as it is there, and closes when it is drawn
 * no more: `${this.asking ? modal(t('x.title'), html`...`, () => { this.asking = false; ... }) : nothing}`.
 * @param {string} heading @param {unknown} content
 * @param {() => void} [closed] By Escape; without it the dialog stays until it is answered.
 */
export function modal(heading, content, closed) {
  return html`<dialog ${ref(show)} aria-label=${heading}
    @cancel=${(/** @type {Event} */ event) => { if (!closed) event.preventDefault(); }}
    @close=${(/** @type {Event} */ event) => closed ? closed() : show(/** @type {Element} */ (event.target))}>
    <h2>${heading}</h2>
    ${content}
  </dialog>`;
}

/** @param {Element | undefined} element */
function show(element) {
  // It is told of before it is in the document.
  queueMicrotask(() => {
    if (element instanceof HTMLDialogElement && element.isConnected && !element.open) element.showModal();
  });
}

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
  return answered(question, (end) => html`<div class="ends">
    <button class="button" @click=${() => end(null)}>${t('app.cancel')}</button>
    ${answers.map(([answer, words]) => html`<button class="button ${look}" @click=${() => end(answer)}>${words}</button>`)}
  </div>`);
}

/**
 * A modal dialog that belongs to no element, until its content calls `end`; that is what was answered, null by Escape.
 * @param {string} heading @param {(end: (answer: string | null) => void) => unknown} content
 * @returns {Promise<string | null>}
 */
export function answered(heading, content) {
  const place = document.createElement('div');
  document.body.append(place);
  return new Promise((resolve) => {
    /** @param {string | null} answer */
    const end = (answer) => {
      place.remove();
      resolve(answer);
    };
    render(modal(heading, content(end), () => end(null)), place);
  });
}
