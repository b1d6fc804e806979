// What has just happened, said at the edge of the page for some seconds; what went wrong stays until it is closed.
import { ApiError } from '../api.js';
import { t, words } from './words.js';

/** @typedef {{id: number, text: string, bad: boolean}} Notice */

class Notices extends EventTarget {
  constructor() {
    super();
    /** @type {Notice[]} */
    this.shown = [];
    this.last = 0;
  }

  /** @param {string} text @param {boolean} bad */
  add(text, bad) {
    const id = ++this.last;
    const others = this.shown.filter((each) => each.text !== text);
    this.shown = [...others, { id, text, bad }].slice(-4);
    this.dispatchEvent(new Event('change'));
    if (!bad) setTimeout(() => this.close(id), 5000);
  }

  /** @param {number} id */
  close(id) {
    this.shown = this.shown.filter((each) => each.id !== id);
    this.dispatchEvent(new Event('change'));
  }
}

export const notices = new Notices();

/** @param {string} text */
export function say(text) {
  notices.add(text, false);
}

/** Tells of a failure, but not of what its user knows: that it was cancelled, that the token is asked for. @param {unknown} error */
export function sayError(error) {
  const text = inWords(error);
  if (text) notices.add(text, true);
}

/** A failure in words; empty where there is nothing to say. @param {unknown} error */
export function inWords(error) {
  if (error instanceof ApiError) return error.status === 401 ? '' : error.message;
  if (error instanceof DOMException && error.name === 'AbortError') return '';
  if (error instanceof TypeError) return t('app.unreachable');
  return error instanceof Error ? error.message : String(error);
}

/** Why something isn't possible now: in the page's language where it is something usual. @param {import('../api-types').Obstacle} obstacle */
export function why({ problem, reason }) {
  return problem && problem in words.sections.problem ? t(`problem.${problem}`) : sentence(reason ?? '');
}

/** A failure that is said beside its field, which needs no naming there. @param {unknown} error */
export function withoutField(error) {
  const said = inWords(error);
  const field = error instanceof ApiError && error.param ? `${error.param}: ` : '';
  return sentence(field && said.startsWith(field) ? said.slice(field.length) : said);
}

/** As the server says it: without a capital. @param {string} said */
export function sentence(said) {
  return said.charAt(0).toUpperCase() + said.slice(1);
}
