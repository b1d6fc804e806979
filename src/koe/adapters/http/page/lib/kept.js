// What this browser keeps of its user's choices. Nothing of it is needed: some browsers keep nothing.

/** @param {string} name @returns {string | null} */
export function kept(name) {
  try {
    return localStorage.getItem(`koe.${name}`);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string | null} value null: forget it */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`koe.${name}`);
    else localStorage.setItem(`koe.${name}`, value);
  } catch {
    // Then it is asked again the next time.
  }
}
