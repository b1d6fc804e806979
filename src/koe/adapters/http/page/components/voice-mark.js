import { html, nothing } from '../lib/element.js';
import { isComing } from '../lib/voices.js';
import { why } from '../lib/notices.js';
import { t } from '../lib/words.js';

const LOOKS = { cached: 'good', loading: '', downloading: '', missing: 'warn', broken: 'bad' };

/** How a voice is, where that is worth a word. @param {import('../api-types').Voice} voice */
export function voiceMark(voice) {
  if (voice.state === 'ready') return nothing;
  const coming = isComing(voice);
  return html`<span class="mark ${LOOKS[voice.state]}" title=${(coming ? '' : why(voice)) || t(`voice.${voice.state}_help`)}>
    ${t(`voice.${voice.state}`)}
  </span>`;
}
