// A composition that is played while it is mixed: POST api/projects/ID/render.
import { ask } from '../api.js';
import { Output } from './output.js';
import { floatsOf, samplesOf } from './samples.js';

const RATE = 24000;
/** Seconds that are fetched ahead of what is heard: a mix is made faster than anybody listens. */
const AHEAD = 20;

/** Events: `change` whenever it goes on. Made in the click: browsers let nothing else make a sound. */
export class Preview extends EventTarget {
  /** @param {string} project @param {number} start Seconds. */
  constructor(project, start) {
    super();
    this.project = project;
    this.start = start;
    this.stopping = new AbortController();
    this.output = new Output(RATE, () => this.dispatchEvent(new Event('change')));
  }

  /** What is heard now: seconds from the beginning of the whole. */
  get at() {
    return this.start + this.output.played / RATE;
  }

  /** Until it was heard to its end, or stopped. @param {import('../api-types').Composition} composition */
  async play(composition) {
    const body = {
      composition: { ...composition, sample_rate: RATE }, start: this.start, draft: true, response_format: 'pcm',
    };
    try {
      await this.receive(await ask(`api/projects/${this.project}/render`, { body, signal: this.stopping.signal }));
      await this.output.finish();
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    } finally {
      this.output.close();
    }
  }

  /** @param {Response} answer */
  async receive(answer) {
    for await (const samples of samplesOf(answer)) {
      this.output.feed(floatsOf(samples));
      await this.room();
    }
  }

  /** Until more is needed. */
  async room() {
    while (!this.stopping.signal.aborted && this.output.scheduled - this.output.played > AHEAD * RATE) {
      await new Promise((resolve) => { setTimeout(resolve, 250); });
    }
    this.stopping.signal.throwIfAborted();
  }

  stop() {
    this.stopping.abort();
    this.output.close();
  }
}
