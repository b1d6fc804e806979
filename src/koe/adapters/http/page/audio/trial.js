// A voice that is tried: POST api/voices/ID/test, where no other voice stands in.
import { ask } from '../api.js';
import { samplesOf } from './samples.js';
import { SpeechPlayer } from './stream.js';

export class TrialPlayer extends SpeechPlayer {
  /** @param {{[name: string]: unknown}} body Its `voice`, and what the endpoint takes. @param {number} begun */
  async receive({ voice, ...body }, begun) {
    const answer = await ask(`api/voices/${encodeURIComponent(String(voice))}/test`, {
      body: { ...body, response_format: 'pcm' }, signal: this.stopping.signal,
    });
    this.voice = answer.headers.get('X-Koe-Voice') ?? '';
    this.seed = answer.headers.get('X-Koe-Seed');
    for await (const samples of samplesOf(answer)) this.take(samples, begun);
  }
}
