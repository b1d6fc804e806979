// Looking at something again and again, for as long as an element is on the page and somebody looks at it.

/**
 * @param {() => Promise<unknown>} look @param {number | (() => number)} seconds Between two looks; a function is asked each
 * time. @param {AbortSignal} gone
 */
export function watch(look, seconds, gone) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const again = async () => {
    if (document.visibilityState === 'visible') await look();
    const wait = typeof seconds === 'number' ? seconds : seconds();
    if (!gone.aborted) timer = setTimeout(() => void again(), wait * 1000);
  };
  gone.addEventListener('abort', () => clearTimeout(timer));
  void again();
}
