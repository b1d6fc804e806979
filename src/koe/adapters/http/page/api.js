// The one way to the server. Every address is relative to the page, wherever a proxy has put it.
//   const { voices } = await get('api/voices', { kind: 'cloned' })
//   for await (const { event, data } of events('api/models/download', { body: { name } })) ...
import { connection } from './lib/connection.js';

const BASE = new URL('.', document.baseURI);

/** @typedef {{method?: string, body?: unknown, form?: FormData, query?: Query, signal?: AbortSignal, accept?: string}} Asked */
/** @typedef {{[name: string]: string | number | boolean | string[] | null | undefined}} Query */

/** What the server refused, in its words; `code` for programs, `param` names the field that was wrong. */
export class ApiError extends Error {
  /** @param {number} status @param {{message?: string, code?: string, param?: string | null}} [told] */
  constructor(status, told = {}) {
    super(told.message ?? `${status}`);
    this.status = status;
    this.code = told.code ?? '';
    this.param = told.param ?? null;
  }
}

/** The full address of a path such as `api/voices`, for links and players. @param {string} path @param {Query} [query] */
export function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ''), BASE);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== '') url.searchParams.append(name, String(each));
    }
  }
  return url.href;
}

/** The bare answer; throws ApiError, and TypeError where the server can't be reached. @param {string} path @param {Asked} [asked] */
export async function ask(path, { method, body, form, query, signal, accept } = {}) {
  /** @type {{[name: string]: string}} */
  const headers = accept ? { Accept: accept } : {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const sent = form ?? (body === undefined ? undefined : JSON.stringify(body));
  const verb = method ?? (sent === undefined ? 'GET' : 'POST');
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(address(path, query), { method: verb, headers, body: sent, signal });
  } catch (error) {
    if (!signal?.aborted) connection.lost();
    throw error;
  }
  connection.met();
  if (answer.ok) return answer;
  const error = new ApiError(answer.status, await told(answer));
  if (error.status === 401) connection.signedOut();
  throw error;
}

/** @param {Response} answer */
async function told(answer) {
  try {
    return (await answer.json()).error ?? {};
  } catch {
    return { message: `${answer.status} ${answer.statusText}`.trim() };
  }
}

/** The JSON of an answer; null where it has none. @param {string} path @param {Asked} [asked] @returns {Promise<any>} */
async function json(path, asked) {
  const answer = await ask(path, asked);
  return answer.status === 204 ? null : await answer.json();
}

/** @param {string} path @param {Query} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => json(path, { query, signal });
/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] */
export const post = (path, body = {}, signal) => json(path, { method: 'POST', body, signal });
/** @param {string} path @param {FormData} form @param {Query} [query] @param {AbortSignal} [signal] */
export const upload = (path, form, query, signal) => json(path, { method: 'POST', form, query, signal });
/** @param {string} path @param {unknown} body */
export const patch = (path, body) => json(path, { method: 'PATCH', body });
/** @param {string} path @param {unknown} body */
export const put = (path, body) => json(path, { method: 'PUT', body });
/** @param {string} path */
export const remove = (path) => json(path, { method: 'DELETE' });

/**
 * Server-sent events, one after the other; an event `error` is thrown as ApiError.
 * @param {string} path @param {Asked} [asked] @returns {AsyncGenerator<{event: string, data: any}>}
 */
export async function* events(path, asked = {}) {
  yield* eventsOf(await ask(path, { accept: 'text/event-stream', ...asked }));
}

/** @param {Response} answer @returns {AsyncGenerator<{event: string, data: any}>} */
export async function* eventsOf(answer) {
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const found = eventIn(block);
        if (found?.event === 'error') throw new ApiError(answer.status, found.data.error ?? found.data);
        if (found) yield found;
      }
    }
  } finally {
    // Whoever stops listening lets the server stop, too.
    await reader.cancel().catch(() => {});
  }
}

/** @param {string} block */
function eventIn(block) {
  let event = 'message';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    if (line.startsWith('data:')) data += line.slice(5).trim();
  }
  return data ? { event, data: JSON.parse(data) } : null;
}
