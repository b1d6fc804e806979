// The page's pictures, drawn with one line each: icon('play').
import { html, nothing, svg } from '../lib/element.js';

/** @type {{[name: string]: string}} */
const LINES = {
  speak: 'M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3',
  voices: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.8-3.4 3.7-5 7.5-5s6.700 1.600 7.500 5',
  design: 'M5 19l1-4L16.500 4.500a2.100 2.100 0 0 1 3 3L9 18l-4 1ZM14.500 6.500l3 3',
  productions: 'M4 6h10M4 12h16M4 18h7M18 4v4M11 10v4M15 16v4',
  history: 'M12 7v5l3.500 2M3.500 12A8.500 8.500 0 1 0 6.200 5.800L4 8M4 4v4h4',
  house: 'M4 11.500 12 4.500l8 7M6 10v9.500h12V10M10 19.500V14h4v5.500',
  play: 'M7.500 5v14l11-7-11-7Z',
  pause: 'M8 5v14M16 5v14',
  stop: 'M7 7h10v10H7z',
  download: 'M12 4v11M7.500 11 12 15.500 16.500 11M5 20h14',
  upload: 'M12 16V5M7.500 9 12 4.500 16.500 9M5 20h14',
  record: 'M12 4a2.500 2.500 0 0 1 2.500 2.500v5a2.500 2.500 0 0 1-5 0v-5A2.500 2.500 0 0 1 12 4ZM6.500 11.500a5.500 5.500 0 0 0 11 0M12 17v3.500',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.500 10 17.500 19 7',
  bin: 'M5 7h14M10 7V4.500h4V7M7 7l.700 12.500h8.600L17 7M10.500 11v5M13.500 11v5',
  edit: 'M5 19l1-4L16.500 4.500a2.100 2.100 0 0 1 3 3L9 18l-4 1Z',
  again: 'M19.500 12a7.500 7.500 0 1 1-2.300-5.400L19.500 9M19.500 4v5h-5',
  star: 'm12 4 2.400 5 5.600.700-4.100 3.800 1 5.500L12 16.300 7.100 19l1-5.500L4 9.700 9.600 9 12 4Z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.500 4.500',
  copy: 'M9 9h10.500v10.500H9zM5.500 15H4.500V4.500H15v1',
  light: 'M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400',
  dark: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z',
  system: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 4v16M12 8h5.500M12 12h8M12 16h5.500',
  down: 'M6 9.500l6 6 6-6',
  undo: 'M5 10h9a5 5 0 0 1 0 10h-3M9 6l-4 4 4 4',
  redo: 'M19 10h-9a5 5 0 0 0 0 10h3M15 6l4 4-4 4',
  more: 'M5 11.500h1v1h-1zM11.500 11.500h1v1h-1zM18 11.500h1v1h-1z',
  minus: 'M5 12h14',
  sound: 'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500H4ZM15.500 9a4.200 4.200 0 0 1 0 6M18 6.500a7.700 7.700 0 0 1 0 11',
  muted: 'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500H4ZM16 9.500l5 5M21 9.500l-5 5',
  split: 'M12 4v16M8.500 8 4.500 12l4 4M15.500 8l4 4-4 4',
  keep: 'M7 4.500h10v15.500l-5-4-5 4z',
};

const FILLED = ['play', 'stop'];

/** @param {string} name @param {number} [size] @param {boolean} [filled] */
export function icon(name, size = 20, filled = FILLED.includes(name)) {
  const line = LINES[name];
  if (line === undefined) return nothing;
  return html`<svg viewBox="0 0 24 24" width=${size} height=${size} fill=${filled ? 'currentColor' : 'none'}
    stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"
  >${svg`<path d=${line}></path>`}</svg>`;
}
