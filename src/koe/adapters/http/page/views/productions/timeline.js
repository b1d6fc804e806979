// Subtitles over time: a lane for each speaker, the room that a cue has, and about how long it is spoken.
import { html, svg } from '../../lib/element.js';
import { clock, t } from '../../lib/words.js';

/** Pixels: of a second, of a lane, at the least and at the most. */
const [SECOND, LANE, LEAST, MOST] = [24, 28, 600, 12000];
const MOST_LANES = 12;

/** @param {import('../../api-types').Plan} plan */
export function timeline({ items, totals }) {
  const whole = Math.max(...items.map((item) => item.end ?? 0), 1);
  const wide = Math.min(MOST, Math.max(LEAST, whole * SECOND));
  const names = [...new Set(items.map((item) => item.group))].slice(0, MOST_LANES);
  const pace = totals.characters / Math.max(totals.seconds, 0.1);
  const high = names.length * LANE + 20;
  /** @param {number} seconds */
  const at = (seconds) => (seconds / whole) * wide;
  const late = items.filter((item) => isLate(item, pace)).length;
  const told = t('productions.timeline', { count: items.length, time: clock(whole), late });
  return html`<figure class="timeline">
    <div class="scroll" tabindex="0" role="region" aria-label=${t('productions.timeline_title')}>
      <svg width=${wide} height=${high} viewBox="0 0 ${wide} ${high}" role="img" aria-label=${told}>
        ${marks(whole).map((second) => svg`<line class="tick-line" x1=${at(second)} x2=${at(second)} y1="0" y2=${high - 16}></line>
          <text x=${at(second) + 3} y=${high - 4}>${clock(second)}</text>`)}
        ${items.map((item) => {
          const y = Math.max(0, names.indexOf(item.group)) * LANE + 3;
          const start = item.start ?? 0;
          const room = at((item.end ?? start) - start);
          return svg`<g><title>${clock(start)} ${item.group} ${item.text}</title>
            <rect class="room" x=${at(start)} y=${y} width=${Math.max(2, room)} height=${LANE - 6} rx="4"></rect>
            <rect class="speech ${isLate(item, pace) ? 'late' : ''}" x=${at(start)} y=${y + LANE - 12} width=${Math.max(2, at(item.text.length / pace))} height="5" rx="2.500"></rect></g>`;
        })}
      </svg>
    </div>
    <figcaption class="small quiet">${told} ${names.filter(Boolean).length > 0 ? t('productions.lanes', { names: names.map((name) => name || '–').join(', ') }) : ''}
      ${t('productions.timeline_key')}</figcaption>
  </figure>`;
}

/** @param {import('../../api-types').PlanItem} item @param {number} pace */
const isLate = (item, pace) => item.text.length / pace > (item.end ?? 0) - (item.start ?? 0) + 0.05;

/** Seconds that are named: not more than fit. @param {number} whole */
function marks(whole) {
  const step = [1, 2, 5, 10, 30, 60, 300, 600].find((each) => whole / each <= Math.min(Math.max(LEAST, whole * SECOND), MOST) / 80) ?? 1800;
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, place) => place * step);
}
