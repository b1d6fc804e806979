import { KoeElement, html, nothing } from '../../lib/element.js';
import { clock, number, t } from '../../lib/words.js';
import { rowsOf } from './rows.js';
import { timeline } from './timeline.js';

/** @typedef {import('../../api-types').PlanItem} PlanItem */
/** @typedef {import('../../api-types').Problem} Problem */

const MOST_ITEMS = 40;
const MOST_ROWS = 60;
/** Of a table's file, in bytes: enough for the rows that are shown. */
const READ = 512 * 1024;

/** `<koe-preview .plan=${plan} kind="npc" .draft=${draft}>`: what would be spoken, how long it takes, and what is wrong. */
class KoePreview extends KoeElement {
  static properties = { plan: { attribute: false }, kind: {}, draft: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../../api-types').Plan | null} */
    this.plan = null;
    this.kind = '';
    /** @type {import('./kinds.js').Draft | null} */
    this.draft = null;
    /** @type {import('./rows.js').Row[]} */
    this.rows = [];
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('plan') && this.kind === 'npc') void this.read();
  }

  async read() {
    const { file, text } = this.draft ?? { file: null, text: '' };
    this.rows = rowsOf(file ? await file.slice(0, READ).text() : text);
    this.requestUpdate();
  }

  render() {
    const plan = this.plan;
    if (!plan) return nothing;
    return html`<section class="stack preview" aria-label=${t('productions.preview')}>
      <h2>${t('productions.preview')}</h2>
      <p class="figures-line" role="status">${this.figures(plan)}</p>
      ${this.problems(plan)}
      ${plan.default_speakers.length > 0 ? html`<p class="small">${t('productions.default_speakers', { names: plan.default_speakers.join(', ') })}</p>` : nothing}
      ${this.kind === 'subtitles' && plan.items.length > 0 ? timeline(plan) : nothing}
      ${this.kind === 'npc' ? this.table(plan.problems) : this.items(plan)}
    </section>`;
  }

  /** @param {import('../../api-types').Plan} plan */
  figures({ totals, items }) {
    const parts = [t('productions.items', { count: totals.items }), t('productions.characters', { count: totals.characters })];
    const groups = new Set(items.map((item) => item.group).filter(Boolean)).size;
    if (groups > 1 && items.length === totals.items) parts.splice(1, 0, t(`productions.groups_${this.kind}`, { count: groups }));
    return html`<strong>${t('productions.about_time', { time: clock(totals.seconds) })}</strong> · ${parts.join(' · ')}`;
  }

  /** @param {import('../../api-types').Plan} plan */
  problems({ problems, problem_count: count }) {
    if (count === 0) return nothing;
    const stops = problems.some((problem) => problem.stops);
    // The others stand in the table, at their rows.
    const listed = this.kind === 'npc' ? problems.filter((problem) => !lineOf(problem)) : problems;
    return html`<div class="note ${stops ? 'bad' : 'warn'} problems" role="group" aria-label=${t('productions.problems', { count })}>
      <strong>${t('productions.problems', { count })}</strong>
      <ul>${listed.slice(0, MOST_ITEMS).map((each) => html`<li>
        ${each.where ? html`<span class="where">${each.where}</span>` : nothing} ${each.wrong}. <em>${upper(each.right)}.</em>
      </li>`)}</ul>
      ${count > problems.length || listed.length > MOST_ITEMS
        ? html`<p class="small">${t('productions.more_problems', { count: count - Math.min(problems.length, MOST_ITEMS) })}</p>` : nothing}
    </div>`;
  }

  /** @param {import('../../api-types').Plan} plan */
  items({ items, totals }) {
    // Takes all say the same, and seeds that nobody has chosen are drawn again when it begins.
    const takes = ['variations', 'design'].includes(this.kind);
    const shown = items.slice(0, takes ? 1 : MOST_ITEMS);
    if (shown.length === 0) return nothing;
    const has = { time: shown.some((item) => item.start !== null), group: !takes && shown.some((item) => item.group) };
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t('productions.what_is_said')}><table>
      <thead><tr>
        ${has.time ? html`<th>${t('productions.col_time')}</th>` : nothing}
        ${has.group ? html`<th>${t(`productions.group_${this.kind}`)}</th>` : nothing}
        <th>${t('productions.what_is_said')}</th>
      </tr></thead>
      <tbody>${shown.map((item, place) => html`<tr>
        ${has.time ? html`<td>${clock(item.start ?? 0)}</td>` : nothing}
        ${has.group ? html`<td>${item.group === shown[place - 1]?.group ? '' : item.group}</td>` : nothing}
        <td class="wrap">${item.text}</td>
      </tr>`)}</tbody>
    </table></div>
    ${totals.items > shown.length && !takes ? html`<p class="small quiet">${t('productions.more_items', { count: totals.items - shown.length })}</p>` : nothing}`;
  }

  /** The file itself, with its bad rows marked. @param {Problem[]} problems */
  table(problems) {
    const wrong = new Map(problems.map((problem) => [lineOf(problem), problem]));
    const shown = this.rows.filter((row, place) => place < MOST_ROWS || wrong.has(row.line)).slice(0, MOST_ROWS * 2);
    const [head, ...rows] = shown;
    if (!head) return nothing;
    const wide = Math.max(...shown.map((row) => row.cells.length));
    const isCsv = wide > 1;
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t('productions.table')}><table class="rows">
      <thead><tr><th>${t('productions.col_line')}</th>${isCsv
        ? Array.from({ length: wide }, (_, place) => html`<th>${head.cells[place] ?? ''}</th>`)
        : html`<th>${t('productions.what_is_said')}</th>`}</tr></thead>
      <tbody>${(isCsv ? rows : shown).map((row) => this.row(row, wrong.get(row.line), wide))}</tbody>
    </table></div>
    ${this.rows.length > shown.length ? html`<p class="small quiet">${t('productions.rows_cut', { most: shown.length - 1 })}</p>` : nothing}`;
  }

  /** @param {import('./rows.js').Row} row @param {Problem | undefined} problem @param {number} wide */
  row({ line, cells }, problem, wide) {
    const shown = html`<tr class=${problem ? 'bad-row' : ''}>
      <td>${number(line)}</td>${Array.from({ length: wide }, (_, place) => html`<td class=${(cells[place] ?? '').length > 24 ? 'wrap' : ''}>${cells[place] ?? ''}</td>`)}
    </tr>`;
    return problem ? html`${shown}<tr class="why"><td></td><td colspan=${wide}><p>${upper(problem.wrong)}. ${upper(problem.right)}.</p></td></tr>` : shown;
  }
}

/** Of a table's problem; 0 where it isn't about one. @param {Problem} problem */
const lineOf = ({ where }) => Number(/^line (\d+)/.exec(where)?.[1] ?? 0);

/** @param {string} text */
const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

customElements.define('koe-preview', KoePreview);
