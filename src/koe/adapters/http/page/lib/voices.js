// The voices, in the order in which people look for them: those made here, then by language.
import { get } from '../api.js';
import { watch } from './watching.js';
import { languageName, t, words } from './words.js';

/** Seconds between two looks: while a voice is on its way, and otherwise. */
const [SOON, LATER] = [1.5, 5];

/** @typedef {import('../api-types').Voice} Voice */
/** @typedef {{name: string, voices: Voice[]}} Group */

/** @param {AbortSignal} [signal] @returns {Promise<Voice[]>} */
export async function loadVoices(signal) {
  return (await get('api/voices', {}, signal)).voices;
}

/** All voices, and the id of the one that speaks where none is asked for. @param {AbortSignal} signal */
export async function loadVoicesAndUsual(signal) {
  const [voices, spoken] = await Promise.all([loadVoices(signal), get('v1/audio/voices', {}, signal)]);
  return { voices, usual: /** @type {string | null} */ (spoken.default) };
}

/** @param {Voice} voice */
export const speaks = (voice) => ['ready', 'cached', 'loading'].includes(voice.state);

/** @param {Voice} voice */
export const isComing = (voice) => voice.state === 'loading' || voice.state === 'downloading';

/**
 * Looks again for as long as an element is on the page: checkpoints are loaded and downloaded by others as well.
 * @param {() => Voice[]} known As they are now. @param {(voices: Voice[]) => void} use Where they have changed.
 * @param {AbortSignal} gone
 */
export function watchVoices(known, use, gone) {
  const look = async () => {
    try {
      const found = await loadVoices(gone);
      if (known().length > 0 && JSON.stringify(found) !== JSON.stringify(known())) use(found);
    } catch {
      // The frame says that Koe is away; the voices stay.
    }
  };
  watch(look, () => (known().some(isComing) ? SOON : LATER), gone);
}

/** Whether every word that is looked for is in its name, its id or its languages' names. @param {Voice} voice @param {string} looked */
export function matches(voice, looked) {
  const all = [voice.id, voice.name, ...voice.languages, ...voice.languages.map(languageName)].join(' ').toLowerCase();
  return looked.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** By language and kind; those made here first, then the language of the page. @param {Voice[]} voices @returns {Group[]} */
export function grouped(voices) {
  /** @type {Map<string, Group & {rank: string}>} */
  const groups = new Map();
  for (const voice of voices) {
    const { name, rank } = groupOf(voice);
    const group = groups.get(name) ?? { name, rank, voices: [] };
    group.voices.push(voice);
    groups.set(name, group);
  }
  return [...groups.values()].sort((one, other) => one.rank.localeCompare(other.rank, words.language));
}

/** @param {Voice} voice */
function groupOf(voice) {
  if (voice.own) {
    const kind = voice.kind ?? 'cloned';
    return { name: t(`voice.group_${kind}`), rank: `0 ${kind}` };
  }
  const tags = [...new Set(voice.languages.map((tag) => tag.split('-')[0]))];
  if (tags.length > 1) return { name: t('voice.group_many'), rank: '1' };
  const name = languageName(tags[0] ?? '');
  return { name, rank: `${tags[0] === words.language ? '2' : '3'} ${name}` };
}

/** A voice's language: `de-DE` is German, `de-AT` Austrian German. @param {string} tag */
export function spoken(tag) {
  try {
    const { language, region } = new Intl.Locale(tag);
    return languageName(region === new Intl.Locale(language).maximize().region ? language : tag);
  } catch {
    return languageName(tag);
  }
}
