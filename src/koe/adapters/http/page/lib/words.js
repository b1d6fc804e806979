// The page's words: t('app.skip') in the language that was chosen, or in the browser's.
// i18n/en.json and i18n/de.json hold them by section and name; a test keeps their names the same.
import { kept, keep } from './kept.js';

/** By the tag of each language: its own name for itself. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' };

/** @typedef {{[section: string]: {[name: string]: string}}} Words */

class WordBook extends EventTarget {
  constructor() {
    super();
    this.language = 'en';
    /** @type {Words} */
    this.sections = {};
  }

  /** @param {string} language */
  async use(language) {
    const answer = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
    if (!answer.ok) throw new Error(`the words of ${language} can't be loaded (${answer.status})`);
    this.sections = await answer.json();
    this.language = language;
    document.documentElement.lang = language;
    this.dispatchEvent(new Event('change'));
  }
}

export const words = new WordBook();

/** The language that was chosen here, or the first of the browser's that there is. */
export function firstLanguage() {
  const wanted = [kept('language') ?? '', ...navigator.languages];
  return wanted.map((tag) => tag.split('-')[0]).find((tag) => tag in LANGUAGES) ?? 'en';
}

/** @param {string} language */
export async function chooseLanguage(language) {
  keep('language', language);
  await words.use(language);
}

/**
 * The words of a name such as `app.skip`. `{seconds}` in them is replaced by values; with a `count`, the name's
 * `…_one` is used where it is there and the language counts so.
 * @param {string} name @param {{[name: string]: string | number}} [values]
 */
export function t(name, values = {}) {
  const [section, ...rest] = name.split('.');
  const there = words.sections[section] ?? {};
  const own = rest.join('.');
  const form = 'count' in values ? new Intl.PluralRules(words.language).select(Number(values.count)) : 'other';
  const text = there[`${own}_${form}`] ?? there[own] ?? name;
  return text.replaceAll(/\{(\w+)\}/g, (whole, key) => {
    const value = values[key];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : value;
  });
}

/** @param {number} value @param {Intl.NumberFormatOptions} [how] */
export function number(value, how = { maximumFractionDigits: 2 }) {
  return new Intl.NumberFormat(words.language, how).format(value);
}

/** Such as 2.5 GB. @param {number} value */
export function bytes(value) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const step = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  return number(value / 1000 ** step, {
    style: 'unit', unit: units[step], unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: step > 2 ? 1 : 0,
  });
}

/** Such as 85 ms or 1.4 s; the symbols are the same everywhere. @param {number} value */
export function seconds(value) {
  return value < 1 ? `${number(Math.round(value * 1000))}\u00a0ms` : `${number(value, { maximumFractionDigits: 1 })}\u00a0s`;
}

/** Such as 1:07 or 1:02:07. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 0.05));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, place) => (place > 0 ? String(part).padStart(2, '0') : String(part))).join(':');
}

/** A moment, as people say it: 18:30 today, else with its day. @param {string | number | Date} moment */
export function when(moment) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  const how = /** @type {Intl.DateTimeFormatOptions} */ (
    today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' }
  );
  return new Intl.DateTimeFormat(words.language, how).format(date);
}

/** @type {Map<string, Intl.DisplayNames>} */
const names = new Map();

/** What a language is called: `de-AT` is Austrian German. @param {string} tag */
export function languageName(tag) {
  const known = names.get(words.language) ?? new Intl.DisplayNames([words.language], { type: 'language' });
  names.set(words.language, known);
  try {
    return known.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
