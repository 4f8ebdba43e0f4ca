import type { TranslationBundle } from '@jupyterlab/translation';

import { isTagged } from './tags';
import type { IMlopsModel } from './tokens';

/** Return why the notebook cannot be promoted now, or null if it can. */
export function reasonNotToPromote(
  model: IMlopsModel,
  path: string | null,
  trans: TranslationBundle
): string | null {
  if (model.server !== 'there') {
    return trans.__('The server part of jupyter-mlops does not answer');
  }
  if (!path) {
    return trans.__('No notebook is open or selected');
  }
  if (model.promotionOf(path)?.status === 'running') {
    return trans.__('This notebook is being promoted');
  }
  if (model.source?.path !== path) {
    return null; // promotion itself will judge a notebook that is not in front
  }
  if (!model.source.cells.some(cell => isTagged(cell.tags))) {
    return trans.__('Tag the cells of each step first');
  }
  if (model.error) {
    return trans.__('Mend this first: %1', model.error.message);
  }
  return null;
}
