// Where the page is: `#/voices/anna?sort=name` is the view voices, what follows, and its query. Hashes, so that
// whatever a proxy puts before the path doesn't matter.

/** @typedef {{view: string, rest: string[], query: URLSearchParams}} Place */

/** @returns {Place} */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [view, ...rest] = path.split('/').map((step) => {
    try {
      return decodeURIComponent(step);
    } catch {
      return step;
    }
  });
  return { view: view || 'speak', rest, query: new URLSearchParams(query ?? '') };
}

/** A link's target. @param {string[]} steps @param {{[name: string]: string}} [query] */
export function link(steps, query = {}) {
  const asked = new URLSearchParams(query).toString();
  return `#/${steps.map(encodeURIComponent).join('/')}${asked ? `?${asked}` : ''}`;
}

/** @param {string[]} steps @param {{[name: string]: string}} [query] */
export function go(steps, query) {
  location.hash = link(steps, query);
}
