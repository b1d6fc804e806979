// Buttons that stand in a row, and on a phone in a menu: `menu('project-more', t('app.more'), html`<button>…`)`.
import { html } from '../lib/element.js';
import { icon } from './icons.js';

/** @param {string} id Unique on the page. @param {string} label Of the button that opens it. @param {unknown} content */
export function menu(id, label, content) {
  return html`<button type="button" class="button quiet icon menu-button" popovertarget=${id} aria-label=${label} title=${label}>
      ${icon('more')}</button>
    <div class="menu" id=${id} popover @beforetoggle=${place} @click=${close}>${content}</div>`;
}

/** Below its button. @param {Event} event */
function place(event) {
  const list = /** @type {HTMLElement} */ (event.currentTarget);
  const { bottom, right } = /** @type {HTMLElement} */ (list.previousElementSibling).getBoundingClientRect();
  list.style.top = `${bottom + window.scrollY}px`;
  list.style.right = `${document.documentElement.clientWidth - right}px`;
}

/** One of its buttons was pressed. @param {Event} event */
function close(event) {
  /** @type {HTMLElement} */ (event.currentTarget).hidePopover();
}
