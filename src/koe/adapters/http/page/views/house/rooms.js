import { get, post } from '../../api.js';
import { icon } from '../../components/icons.js';
import { KoeElement, html, live, nothing, repeat } from '../../lib/element.js';
import { inWords, sentence, why } from '../../lib/notices.js';
import { Search } from '../../lib/search.js';
import { t } from '../../lib/words.js';
import { placeOf } from './places.js';

/** @typedef {import('../../api-types').Room} Room */
/** How a trial in a room went; a failure in words. @typedef {{state: 'speaking' | 'heard' | 'failed', why?: string}} Trial */

const MOST_CHARACTERS = 1000;

/** Where something can be announced, and a sentence to try it with. */
class KoeHouseRooms extends KoeElement {
  constructor() {
    super();
    /** @type {string | null} Else that of the page's language. */
    this.text = null;
    /** @type {Map<string, Trial>} By room. */
    this.trials = new Map();
    /** @type {Search<import('../../api-types').Rooms>} */
    this.search = new Search(this, () => get('api/rooms', {}, this.gone));
  }

  connectedCallback() {
    super.connectedCallback();
    this.search.begin();
  }

  get said() {
    return (this.text ?? t('network.sentence')).trim();
  }

  render() {
    const { found, failure } = this.search;
    const rooms = found?.rooms ?? [];
    return html`<section class="part" aria-labelledby="rooms">
      <div class="row part-head"><h2 id="rooms">${t('network.rooms')}</h2>${this.search.button(t('network.rooms'))}</div>
      <p class="lead">${t('network.rooms_about')}</p>
      ${this.search.status(rooms.length > 0 ? t('network.rooms_found', { count: rooms.length }) : '')}
      ${[failure && sentence(failure), ...(found?.problems.map(why) ?? [])].filter(Boolean).map((each) => html`<p class="note warn">${each}</p>`)}
      ${found?.remedy && !this.search.running ? this.none() : nothing}
      ${rooms.length > 0 ? this.list(rooms) : nothing}
    </section>`;
  }

  none() {
    return html`<div class="empty">
      <h3>${t('network.no_rooms')}</h3>
      <p>${t('network.no_rooms_assistant')}</p>
      <p>${t('network.no_rooms_satellites')}</p>
    </div>`;
  }

  /** @param {Room[]} rooms */
  list(rooms) {
    return html`
      <div class="field trial-sentence">
        <label for="trial-sentence">${t('network.what')}</label>
        <input id="trial-sentence" class="input" maxlength=${MOST_CHARACTERS} .value=${live(this.text ?? t('network.sentence'))}
          @input=${this.write}>
      </div>
      <ul class="list">${repeat(rooms, (room) => room.id, (room) => this.room(room))}</ul>`;
  }

  /** @param {Room} room */
  room(room) {
    const trial = this.trials.get(room.id);
    const speaking = trial?.state === 'speaking';
    const where = room.way === 'satellite' ? placeOf(room.id)?.text ?? room.id : room.id;
    return html`<li>
      <span class="grow">
        <span class="name">${room.name}</span> <span class="mark">${t(`network.way_${room.way}`)}</span><br>
        <span class="about">${room.area && room.area !== room.name ? `${room.area} · ` : ''}<code>${where}</code></span>
      </span>
      <span class="small" role="status">${speaking || trial?.state === 'heard' ? t(`network.trial_${trial.state}`) : ''}</span>
      <button type="button" class="button" aria-label="${t('network.say')}: ${room.name}" ?disabled=${speaking || !this.said}
        @click=${() => void this.say(room)}>${icon('sound', 18)}${t('network.say')}</button>
      ${trial?.why ? html`<p class="note bad whole" role="alert">${trial.why}</p>` : nothing}
    </li>`;
  }

  /** @param {Event} event */
  write(event) {
    this.text = /** @type {HTMLInputElement} */ (event.target).value;
    this.requestUpdate();
  }

  /** It is over when it has been heard. @param {Room} room */
  async say(room) {
    this.tried(room, { state: 'speaking' });
    try {
      await post('api/announce', { text: this.said, rooms: [room.id] });
      this.tried(room, { state: 'heard' });
    } catch (error) {
      this.tried(room, { state: 'failed', why: sentence(inWords(error)) });
    }
  }

  /** @param {Room} room @param {Trial} trial */
  tried(room, trial) {
    this.trials.set(room.id, trial);
    this.requestUpdate();
  }
}

customElements.define('koe-house-rooms', KoeHouseRooms);
