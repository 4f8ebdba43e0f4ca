import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { PromotionView } from './messages';
import { latest } from './progress';
import type { IMlopsModel } from './tokens';

/** A toast that ends sooner than this stays on the screen (jupyterlab#15558). */
const SHORTEST = 600;

interface IToast {
  readonly id: string;
  readonly since: number;
}

/** Tell each promotion in a toast: what it does, then how it ended. */
export function notifyPromotions(
  model: IMlopsModel,
  show: () => void,
  trans: TranslationBundle
): void {
  const toasts = new Map<string, IToast>();
  model.promotionChanged.connect((_, promotion) => {
    const name = PathExt.basename(promotion.path);
    const actions = [{ label: trans.__('Show progress'), callback: show }];
    const toast = toasts.get(promotion.id);
    if (promotion.status === 'running') {
      const doing = latest(promotion);
      const message = doing
        ? trans.__('Promoting %1: %2', name, doing)
        : trans.__('Promoting %1', name);
      if (toast) {
        Notification.update({ id: toast.id, message });
      } else {
        const id = Notification.emit(message, 'in-progress', { autoClose: false, actions });
        toasts.set(promotion.id, { id, since: Date.now() });
      }
    } else if (toast) {
      toasts.delete(promotion.id);
      const wait = Math.max(0, SHORTEST - (Date.now() - toast.since));
      window.setTimeout(
        () => Notification.update({ id: toast.id, ...ending(promotion, name, trans), actions }),
        wait
      );
    }
  });
}

function ending(
  promotion: PromotionView,
  name: string,
  trans: TranslationBundle
): { message: string; type: Notification.TypeOptions; autoClose: number | false } {
  switch (promotion.status) {
    case 'done':
      return {
        message: trans.__('%1 is promoted: release %2', name, promotion.result?.ref ?? ''),
        type: 'success',
        autoClose: 8000
      };
    case 'cancelled':
      return {
        message: trans.__('The promotion of %1 is cancelled', name),
        type: 'info',
        autoClose: 4000
      };
    default:
      return {
        message: trans.__('%1 is not promoted: %2', name, promotion.error?.message ?? ''),
        type: 'error',
        autoClose: false
      };
  }
}
