// The rows of a table as they stand in a file, to be shown beside what is wrong with them.

const MOST_LINES = 50;

/** @typedef {{line: number, cells: string[]}} Row */

/** Rows of CSV, or a JSON object a line. @param {string} text @returns {Row[]} */
export function rowsOf(text) {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const first = lines.find((line) => line.trim()) ?? '';
  const delimiter = [',', ';', '\t'].toSorted((one, other) => first.split(other).length - first.split(one).length)[0];
  /** @type {Row[]} */
  const rows = [];
  for (let place = 0; place < lines.length; place += 1) {
    const line = place + 1;
    if (!lines[place].trim()) continue;
    if (first.trimStart().startsWith('{')) {
      rows.push({ line, cells: [lines[place]] });
      continue;
    }
    let row = lines[place];
    let further = place;
    while (isOpen(row) && further + 1 < lines.length && further - place < MOST_LINES) row += `\n${lines[++further]}`;
    // A quote that never closes is only wrong where it stands.
    if (isOpen(row)) row = lines[place];
    else place = further;
    rows.push({ line, cells: cellsOf(row, delimiter) });
  }
  return rows;
}

/** Whether a quote is open at its end. @param {string} row */
const isOpen = (row) => (row.split('"').length - 1) % 2 === 1;

/** @param {string} row @param {string} delimiter */
function cellsOf(row, delimiter) {
  const cells = [''];
  let quoted = false;
  for (const character of row) {
    if (character === '"') quoted = !quoted;
    else if (character === delimiter && !quoted) cells.push('');
    else cells[cells.length - 1] += character;
  }
  return cells;
}
