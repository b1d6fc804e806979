import { get } from '../../api.js';
import '../../components/chart.js';
import { icon } from '../../components/icons.js';
import { whenThere } from '../../lib/connection.js';
import { KoeElement, html, nothing } from '../../lib/element.js';
import { say, sayError, why } from '../../lib/notices.js';
import { link } from '../../lib/router.js';
import { t } from '../../lib/words.js';
import { watch } from '../../lib/watching.js';
import { placeOf } from './places.js';
import './voice.js';

/** @typedef {import('../../api-types').HouseFacts} HouseFacts */

/** What the rest of the house sees, and how Koe is doing. */
class KoeHouseOverview extends KoeElement {
  constructor() {
    super();
    /** @type {HouseFacts | null} */
    this.facts = null;
    /** @type {import('../../api-types').PastRequest[]} */
    this.requests = [];
  }

  connectedCallback() {
    super.connectedCallback();
    whenThere(() => this.load(), this.gone);
    watch(() => this.look(), 5, this.gone);
  }

  async load() {
    try {
      this.facts = await get('api/house', {}, this.gone);
      this.requestUpdate();
    } catch (error) {
      sayError(error);
    }
  }

  async look() {
    try {
      this.requests = (await get('api/requests', { limit: 60 }, this.gone)).requests;
      this.requestUpdate();
    } catch {
      // The frame says that Koe is away; the chart stays as it was.
    }
  }

  render() {
    if (!this.facts) return nothing;
    return html`${this.health(this.facts)}${this.assistant(this.facts)}
      <koe-house-voice></koe-house-voice>
      <section class="part">
        <h2>${t('house.first_audio')}</h2>
        <p class="lead">${t('house.first_audio_about')}</p>
        <koe-chart .requests=${this.requests}></koe-chart>
      </section>`;
  }

  /** @param {HouseFacts} facts */
  health(facts) {
    const wrong = problems(facts);
    if (wrong.length === 0) {
      return html`<p class="note good well">${icon('check', 20)}<span>${t('house.well', { name: facts.name })}</span></p>`;
    }
    return html`<ul class="stack tight" aria-label=${t('house.problems')}>
      ${wrong.map(
        ({ title, reason, fix, to }) => html`<li class="note warn">
          <strong>${title}</strong>${reason}
          ${fix ? html`<p><a href=${to}>${fix}</a></p>` : nothing}
        </li>`,
      )}
    </ul>`;
  }

  /** @param {HouseFacts} facts */
  assistant(facts) {
    const places = facts.wyoming.map(placeOf).filter((place) => place !== null);
    return html`<section class="part">
      <h2>Home Assistant</h2>
      ${places.length > 0
        ? html`<dl class="facts">${places.map((place) => this.place(place))}
            <dt>${t('house.found_as')}</dt>
            <dd>${facts.announced ? facts.announced.name : t(facts.discovery ? 'house.not_announced' : 'house.not_wanted')}</dd>
          </dl>`
        : nothing}
      <ol class="steps">
        <li>${t('house.step_1')}</li>
        <li>${facts.announced ? t('house.step_2_found', { name: facts.announced.name }) : t('house.step_2')}</li>
        <li>${t('house.step_3')}</li>
      </ol>
    </section>`;
  }

  /** @param {{host: string, port: string}} place */
  place({ host, port }) {
    return html`<dt>${t('house.address')}</dt>
      <dd class="row">
        <span><code>${host}</code> ${t('house.port')} <code>${port}</code></span>
        <button class="button quiet icon small" aria-label=${t('house.copy', { what: host })} @click=${() => copy(host)}>
          ${icon('copy', 16)}
        </button>
      </dd>`;
  }
}

/** @param {HouseFacts} facts */
function problems(facts) {
  const engines = facts.engines
    .filter((engine) => !engine.ready)
    .map((engine) => ({
      title: t('house.engine_silent', { name: engine.name }),
      reason: why(engine),
      fix: engine.name === 'qwen' ? t('house.to_models') : '',
      to: link(['house', 'models']),
    }));
  const local = facts.wyoming.length > 0 && facts.wyoming.every((uri) => /\/\/(127\.|localhost|\[::1\])/.test(uri));
  if (local) {
    engines.push({ title: t('house.local_only'), reason: t('house.local_only_fix'), fix: '', to: '' });
  } else if (facts.discovery && !facts.announced) {
    engines.push({ title: t('house.not_announced'), reason: t('house.not_announced_fix'), fix: '', to: '' });
  }
  return engines;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(t('house.copied', { what: text }));
  } catch {
    // Only https and this machine itself may: the address can be selected.
    say(t('house.not_copied'));
  }
}

customElements.define('koe-house-overview', KoeHouseOverview);
