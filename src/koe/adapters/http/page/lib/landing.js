// Files that are dropped anywhere while an element is on the page.

/**
 * `this.landing = new Landing(this, (files) => ...)`, then `this.landing.begin()` whenever it is connected; `over` tells
 * whether files are held above the page just now.
 */
export class Landing {
  /** @param {import('./element.js').KoeElement} host @param {(files: File[]) => void} take */
  constructor(host, take) {
    this.host = host;
    this.take = take;
    /** Elements that are entered and not left yet. */
    this.within = 0;
  }

  get over() {
    return this.within > 0;
  }

  begin() {
    const options = { signal: this.host.gone };
    this.within = 0;
    window.addEventListener('dragenter', (event) => this.drag(event, 1), options);
    window.addEventListener('dragleave', (event) => this.drag(event, -1), options);
    window.addEventListener('dragover', (event) => { if (carriesFiles(event)) event.preventDefault(); }, options);
    window.addEventListener('drop', (event) => this.receive(event), options);
  }

  /** @param {DragEvent} event @param {number} step */
  drag(event, step) {
    if (!carriesFiles(event)) return;
    this.within = Math.max(0, this.within + step);
    this.host.requestUpdate();
  }

  /** @param {DragEvent} event */
  receive(event) {
    this.within = 0;
    this.host.requestUpdate();
    if (!carriesFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    this.take([...(event.dataTransfer?.files ?? [])]);
  }
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}
