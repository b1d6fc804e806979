// What the history is asked for: days as people choose them, made moments.

/** What runs are made by. */
export const TASKS = ['speech', 'long', 'script', 'npc', 'subtitles', 'variations', 'design', 'conversation', 'compose'];

/** The query of `GET api/history`. @param {{[name: string]: string}} chosen */
export function asked({ q, voice, task, favourite, from, to }) {
  return {
    q: q?.trim(), voice, task,
    favourite: favourite ? true : undefined,
    from: startOf(from, 0),
    // The whole of the last day.
    to: startOf(to, 1),
  };
}

/** @param {{[name: string]: string}} chosen */
export const someChosen = (chosen) => Object.values(chosen).some(Boolean);

/** When a day begins here, in UTC. @param {string | undefined} day @param {number} later Days after it. */
function startOf(day, later) {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  const moment = new Date(year, month - 1, date + later);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}
