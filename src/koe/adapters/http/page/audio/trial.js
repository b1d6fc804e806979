// A voice that is tried: POST api/voices/ID/test, where no other voice stands in.
import { ask } from '../api.js';
import { SpeechPlayer } from './stream.js';

export class TrialPlayer extends SpeechPlayer {
  /** @param {{[name: string]: unknown}} body Its `voice`, and what the endpoint takes. @param {number} begun */
  async receive({ voice, ...body }, begun) {
    const answer = await ask(`api/voices/${encodeURIComponent(String(voice))}/test`, {
      body: { ...body, response_format: 'pcm' }, signal: this.stopping.signal,
    });
    this.voice = answer.headers.get('X-Koe-Voice') ?? '';
    this.seed = answer.headers.get('X-Koe-Seed');
    const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).getReader();
    let rest = new Uint8Array(0);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      // Where a piece ends has nothing to do with where a sample does.
      const octets = new Uint8Array(rest.length + value.length);
      octets.set(rest);
      octets.set(value, rest.length);
      const whole = octets.length & ~1;
      rest = octets.slice(whole);
      if (whole > 0) this.take(octets.slice(0, whole), begun);
    }
  }
}
