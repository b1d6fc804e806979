// What is about to be said.
import { kept } from './kept.js';

/** What is being written stays while another view is open. */
export const draft = {
  text: '',
  voice: kept('voice') ?? '',
  language: '',
  style: '',
  instructions: '',
  seed: '',
  keep: kept('keep') === 'yes',
  /** @type {import('../components/effects.js').Effect[]} */
  effects: [],
};

/** As POST v1/audio/speech takes it. @param {boolean} model Whether the voice is a model's. */
export function wanted(model) {
  const { text, voice, language, style, instructions, seed, effects } = draft;
  /** @type {{[name: string]: unknown}} */
  const body = { input: text };
  if (voice) body.voice = voice;
  if (draft.keep) body.keep = true;
  if (language) body.language = language;
  if (effects.length > 0) body.effects = effects;
  if (model && style) body.style = style;
  if (model && instructions.trim()) body.instructions = instructions.trim();
  if (model && seed !== '') body.seed = Number(seed);
  return body;
}
