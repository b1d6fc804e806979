// What is about to be designed; it stays while another view is open.
export const order = { description: '', text: '', language: '', candidates: 3 };

/** As POST api/designs takes it. */
export function asked() {
  const { description, text, language, candidates } = order;
  return { description: description.trim(), candidates, ...(language ? { language } : {}), ...(text.trim() ? { text: text.trim() } : {}) };
}
