// A project that saves itself a moment after each change, as a version of its own.
import { ApiError, get, patch } from '../../api.js';
import { connection } from '../../lib/connection.js';
import { sayError } from '../../lib/notices.js';

/** Milliseconds without a change. */
const PAUSE = 1200;

/** @typedef {import('../../api-types').Project} Project */
/** @typedef {import('../../api-types').Composition} Composition */

/**
 * Events: `change` whenever its state has changed, `saved` with what the server has now as `project`.
 * `state`: 'saved', 'changed', 'saving', 'failed', or 'conflict' where somebody else has saved meanwhile.
 */
export class Saving extends EventTarget {
  /** @param {Project} project @param {AbortSignal} gone */
  constructor(project, gone) {
    super();
    this.project = project;
    this.state = 'saved';
    /** @type {Composition | null} What isn't saved yet. */
    this.waiting = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    connection.addEventListener('back', () => void this.save(), { signal: gone });
    const leave = () => { if (document.visibilityState === 'hidden') void this.save(); };
    document.addEventListener('visibilitychange', leave, { signal: gone });
    const ask = (/** @type {Event} */ event) => { if (this.state !== 'saved') event.preventDefault(); };
    window.addEventListener('beforeunload', ask, { signal: gone });
    gone.addEventListener('abort', () => void this.save());
  }

  get address() {
    return `api/projects/${this.project.id}`;
  }

  /** @param {Composition} composition */
  later(composition) {
    this.waiting = composition;
    if (this.state === 'conflict') return;
    if (this.state !== 'saving') this.become('changed');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), PAUSE);
  }

  /** Now, what isn't saved yet. */
  async save() {
    clearTimeout(this.timer);
    if (!this.waiting || this.state === 'saving' || this.state === 'conflict') return;
    const composition = this.waiting;
    this.waiting = null;
    this.become('saving');
    try {
      this.take(await patch(this.address, { version: this.project.version, composition }));
    } catch (error) {
      this.waiting ??= composition;
      const refused = error instanceof ApiError && error.status === 409;
      this.become(refused ? 'conflict' : 'failed');
      if (!refused) sayError(error);
      return;
    }
    this.become('saved');
    if (this.waiting) this.later(this.waiting);
  }

  /** After a conflict: what is here becomes the newest version; the other one stays as an earlier version. */
  async saveMine() {
    try {
      this.project = { ...this.project, version: (await get(this.address)).version };
      this.become('changed');
      await this.save();
    } catch (error) {
      sayError(error);
    }
  }

  /** What is on the server, instead of what is here. @param {Project} project */
  begin(project) {
    clearTimeout(this.timer);
    this.waiting = null;
    this.take(project);
    this.become('saved');
  }

  /** @param {Project} project */
  take(project) {
    this.project = project;
    this.dispatchEvent(new Event('saved'));
  }

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}
