/** `tcp://[fd00::5]:10210` as people type it into two fields, and as they read it. @param {string} uri */
export function placeOf(uri) {
  const found = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(uri);
  return found ? { host: found[1].replace(/^\[|\]$/g, ''), port: found[2], text: `${found[1]}:${found[2]}` } : null;
}
