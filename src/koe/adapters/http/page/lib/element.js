// What every module of the page takes from Lit: one place, so that the version stands in one place, too.
import { LitElement } from '../vendor/lit/index.js';
import { words } from './words.js';

export { html, nothing, svg } from '../vendor/lit/index.js';
export { classMap } from '../vendor/lit/directives/class-map.js';
export { ifDefined } from '../vendor/lit/directives/if-defined.js';
export { live } from '../vendor/lit/directives/live.js';
export { ref } from '../vendor/lit/directives/ref.js';
export { repeat } from '../vendor/lit/directives/repeat.js';

/**
 * An element of the page. It has no shadow root: the styles are those of the page, and labels find their fields
 * everywhere. It is drawn anew when the language changes, and whatever it began ends with `gone`.
 */
export class KoeElement extends LitElement {
  constructor() {
    super();
    /** Aborted when the element leaves the page: for fetches, listeners and timers. */
    this.leaving = new AbortController();
  }

  get gone() {
    return this.leaving.signal;
  }

  connectedCallback() {
    if (this.leaving.signal.aborted) this.leaving = new AbortController();
    super.connectedCallback();
    words.addEventListener('change', () => this.requestUpdate(), { signal: this.gone });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.leaving.abort();
  }

  createRenderRoot() {
    return this;
  }

  /** Tells whoever holds the element. @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}
