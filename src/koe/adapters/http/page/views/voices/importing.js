// Voices that come in a zip, from another Koe or from voicebox.
import { upload } from '../../api.js';
import { ask } from '../../components/dialog.js';
import { say, sayError } from '../../lib/notices.js';
import { t } from '../../lib/words.js';

/** Whether any came. @param {File} zip */
export async function importVoices(zip) {
  try {
    // First what would be done, so that nothing that is here is touched without a word.
    const looked = await send(zip, { on_clash: 'skip', dry_run: true });
    const clash = looked.skipped.length > 0 ? await choose(looked.skipped) : 'refuse';
    if (!clash) return false;
    const { imported, warnings } = await send(zip, { on_clash: clash });
    say(imported.length > 0 ? t('voices.imported', { count: imported.length }) : t('voices.none_imported'));
    warnings.forEach((warning) => say(warning));
    return imported.length > 0;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/** @param {string[]} ids */
function choose(ids) {
  return ask(t('voices.clash', { names: ids.join(', '), count: ids.length }), [
    ['skip', t('voices.clash_skip')], ['replace', t('voices.clash_replace')], ['rename', t('voices.clash_rename')],
  ]);
}

/** @param {File} zip @param {import('../../api.js').Query} query @returns {Promise<import('../../api-types').Arrivals>} */
function send(zip, query) {
  const form = new FormData();
  form.append('file', zip, zip.name);
  return upload('api/voices/import', form, query);
}
