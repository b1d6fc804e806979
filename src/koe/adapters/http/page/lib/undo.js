// What was done, so that it can be taken back.

const MOST = 200;
/** Milliseconds: what goes on without a pause is one step. */
const PAUSE = 1000;

/** @template T */
export class Undo {
  /** @param {T} state */
  constructor(state) {
    this.now = state;
    /** @type {T[]} */
    this.past = [];
    /** @type {T[]} */
    this.future = [];
    this.kind = '';
    this.at = 0;
  }

  /** @param {T} state @param {string} [kind] Steps of the same kind that follow each other at once become one. */
  push(state, kind = '') {
    const goesOn = kind !== '' && kind === this.kind && Date.now() - this.at < PAUSE;
    if (!goesOn) this.past = [...this.past, this.now].slice(-MOST);
    this.now = state;
    this.future = [];
    this.kind = kind;
    this.at = Date.now();
  }

  /** Whether there was something. */
  back() {
    return this.step(this.past, this.future);
  }

  forth() {
    return this.step(this.future, this.past);
  }

  /** @param {T[]} from @param {T[]} to */
  step(from, to) {
    const state = from.pop();
    if (state === undefined) return false;
    to.push(this.now);
    this.now = state;
    this.kind = '';
    return true;
  }
}
