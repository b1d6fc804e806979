// Whether the server is there, knows us, and still has the page that is shown.
//   whenThere(() => this.load(), this.gone)

/** @typedef {'there' | 'away' | 'signed-out'} State */

const PAGE = new URL('..', import.meta.url);
const QUIET_MS = 20000;
const AWAY_MS = 1000;

/** Events: `change` whenever something of it has changed, `back` when what was asked in vain can be asked again. */
class Connection extends EventTarget {
  constructor() {
    super();
    /** @type {State} */
    this.state = 'there';
    this.updated = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Looks from time to time, as long as somebody looks at the page. */
  watch() {
    document.addEventListener('visibilitychange', () => this.later(0));
    this.later(QUIET_MS);
  }

  met() {
    if (this.state === 'away') void this.look();
  }

  lost() {
    this.become('away');
    this.later(AWAY_MS);
  }

  signedOut() {
    this.become('signed-out');
  }

  signedIn() {
    this.become('there');
    this.dispatchEvent(new Event('back'));
  }

  /** @param {State} state */
  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }

  /** @param {number} wait */
  later(wait) {
    clearTimeout(this.timer);
    if (document.visibilityState === 'visible') this.timer = setTimeout(() => void this.look(), wait);
  }

  async look() {
    try {
      // A file of this very page: another version of it has gone with an update.
      const answer = await fetch(new URL('icon.svg', PAGE), { method: 'HEAD', cache: 'no-store' });
      if (!this.updated && answer.status === 404) {
        this.updated = true;
        this.dispatchEvent(new Event('change'));
      }
      if (this.state === 'away') {
        this.become('there');
        this.dispatchEvent(new Event('back'));
      }
      this.later(QUIET_MS);
    } catch {
      this.lost();
    }
  }
}

export const connection = new Connection();

/** Now, and again when what was asked in vain can be asked again. @param {() => Promise<unknown>} load @param {AbortSignal} gone */
export function whenThere(load, gone) {
  connection.addEventListener('back', () => void load(), { signal: gone });
  void load();
}
