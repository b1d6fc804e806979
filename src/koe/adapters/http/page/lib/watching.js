// Looking at something again and again, for as long as an element is on the page and somebody looks at it.

/** @param {() => Promise<unknown>} look @param {number} seconds @param {AbortSignal} gone */
export function watch(look, seconds, gone) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const again = async () => {
    if (document.visibilityState === 'visible') await look();
    if (!gone.aborted) timer = setTimeout(() => void again(), seconds * 1000);
  };
  gone.addEventListener('abort', () => clearTimeout(timer));
  void again();
}
