// The kinds of productions: what each is made of, what can be chosen, and the request that it becomes.

/** A field; `usual` is what counts where it is empty. @typedef {{name: string, type: 'number' | 'check' | 'text' | 'select', min?: number, max?: number, step?: number, usual?: string, choices?: string[]}} Field */
/** @typedef {{[name: string]: string | boolean}} Values */
/** @typedef {{text: string, file: File | null, voice: string, table: {[name: string]: string}, values: Values}} Draft */
/** @typedef {{accept: string, speaks: boolean, table: string, fields: Field[], more: Field[], options: (draft: Draft) => object}} Kind */

/** @type {Field} */
const SPEED = { name: 'speed', type: 'number', min: 0.25, max: 4, step: 0.05, usual: '1' };
/** @param {string} name @param {string} usual @returns {Field} */
const gap = (name, usual) => ({ name, type: 'number', min: 0, max: 60, step: 0.05, usual });
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'ru', 'zh', 'ja', 'ko'];

/** @type {{[name: string]: Kind}} */
export const KINDS = {
  long: {
    accept: '.txt,.md,.epub', speaks: true, table: '', fields: [],
    more: [SPEED, gap('sentence_gap', '0.25'), gap('paragraph_gap', '0.7'), gap('chapter_gap', '2')],
    options: (draft) => ({ kind: bookKind(draft), how: how(draft), ...numbers(draft, 'sentence_gap', 'paragraph_gap', 'chapter_gap') }),
  },
  script: {
    accept: '.txt,.md', speaks: true, table: 'speakers', fields: [],
    more: [SPEED, gap('gap', '0.4'), { name: 'follow_directions', type: 'check' }, { name: 'separate', type: 'check' }],
    options: (draft) => ({
      speakers: voices(draft), default: how(draft), ...numbers(draft, 'gap'),
      follow_directions: draft.values.follow_directions === true, separate: draft.values.separate === true,
    }),
  },
  npc: {
    accept: '.csv,.tsv,.jsonl,.txt', speaks: true, table: 'characters', fields: [], more: [SPEED],
    options: (draft) => ({ characters: voices(draft), default: how(draft) }),
  },
  subtitles: {
    accept: '.srt,.vtt', speaks: true, table: 'voices', fields: [],
    more: [SPEED, { name: 'hurry', type: 'number', min: 1, max: 2, step: 0.05, usual: '1' }],
    options: (draft) => ({ voices: voices(draft), how: how(draft), ...numbers(draft, 'hurry') }),
  },
  variations: {
    accept: '.txt', speaks: true, table: '', more: [SPEED],
    fields: [{ name: 'count', type: 'number', min: 1, max: 100, step: 1, usual: '5' }, { name: 'seed', type: 'number', min: 0, step: 1 }],
    options: (draft) => ({ how: { ...how(draft), ...numbers(draft, 'seed') }, ...numbers(draft, 'count') }),
  },
  design: {
    accept: '.txt', speaks: false, table: '', more: [],
    fields: [
      { name: 'language', type: 'select', choices: LANGUAGES }, { name: 'count', type: 'number', min: 1, max: 10, step: 1, usual: '3' },
      { name: 'sample', type: 'text' }, { name: 'keep', type: 'text' },
    ],
    options: ({ values }) => ({
      language: values.language || 'en', ...numbers({ values }, 'count'),
      ...(values.sample ? { text: values.sample } : {}), ...(values.keep ? { keep: { name: values.keep } } : {}),
    }),
  },
};

/** What is written, and how. @type {{[kind: string]: Field[]}} */
export const OUTPUT = {
  long: [format(), loudness(), { name: 'whole', type: 'check' }, { name: 'book', type: 'select', choices: ['', 'm4b', 'mp3'] }],
  script: [format(), loudness(), { name: 'whole', type: 'check' }],
  npc: [format(), loudness()],
  subtitles: [format(), loudness()],
  variations: [format(), loudness()],
  design: [],
};

/** @returns {Field} */
function format() {
  return { name: 'format', type: 'select', choices: ['wav', 'flac', 'mp3', 'opus'] };
}

/** @returns {Field} */
function loudness() {
  return { name: 'loudness', type: 'number', min: -40, max: -5, step: 1 };
}

/** What is being prepared stays while another view is open. @type {{[kind: string]: Draft}} */
const drafts = {};

/** @param {string} kind @returns {Draft} */
export function draftOf(kind) {
  return (drafts[kind] ??= { text: '', file: null, voice: '', table: {}, values: {} });
}

/** @param {string} kind */
export function forget(kind) {
  delete drafts[kind];
}

/** As POST api/jobs and api/jobs/plan take it. @param {string} kind @param {Draft} draft */
export function requestOf(kind, draft) {
  const { format, whole, book, title } = draft.values;
  const output = {
    ...(format ? { format } : {}), ...(whole && 'whole' in draft.values ? { whole } : {}), ...(book ? { book } : {}),
    ...numbers(draft, 'loudness', ...(kind === 'subtitles' ? ['hurry'] : [])),
  };
  const form = new FormData();
  form.set('kind', kind);
  if (title) form.set('title', String(title));
  form.set('options', JSON.stringify(KINDS[kind].options(draft)));
  form.set('output', JSON.stringify(output));
  form.set('file', draft.file ?? new Blob([draft.text], { type: 'text/plain' }), draft.file?.name ?? titleOf(draft.text));
  return form;
}

/** What is typed is called by its first words. @param {string} text */
function titleOf(text) {
  const line = text.trim().split('\n', 1)[0].replaceAll(/[\\/:.]+/g, ' ').replaceAll(/\s+/g, ' ').trim();
  return `${line.length > 48 ? `${line.slice(0, 48).trim()}…` : line || 'text'}.txt`;
}

/** @param {Draft} draft */
function how(draft) {
  return { ...(draft.voice ? { voice: draft.voice } : {}), ...numbers(draft, 'speed') };
}

/** @param {Draft} draft */
function voices({ table, values }) {
  const chosen = Object.entries(table).filter(([, voice]) => voice);
  return Object.fromEntries(chosen.map(([name, voice]) => [name, { voice, ...numbers({ values }, 'speed') }]));
}

/** Those that were filled in. @param {{values: Values}} draft @param {...string} names */
function numbers({ values }, ...names) {
  const filled = names.filter((name) => values[name] !== undefined && values[name] !== '');
  return Object.fromEntries(filled.map((name) => [name, Number(values[name])]));
}

/** @param {Draft} draft */
function bookKind({ file }) {
  const ending = (file?.name ?? '').toLowerCase().split('.').at(-1) ?? '';
  // Typed text is Markdown: that is plain text, too, and `# ` begins a chapter.
  return !file ? 'md' : ['md', 'epub'].includes(ending) ? ending : 'txt';
}
