import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { mlopsIcon } from './icons';
import { addSweepCommands } from './sweepcommands';
import { reasonNotToPromote } from './promotable';
import type { IMlopsModel } from './tokens';
import { CommandIDs, PANEL_ID } from './tokens';

interface IOptions {
  readonly app: JupyterFrontEnd;
  readonly model: IMlopsModel;
  readonly tracker: INotebookTracker;
  readonly trans: TranslationBundle;
  readonly fileBrowser: IDefaultFileBrowser | null;
}

/** Add the commands; each is one action, whoever calls it. */
export function addCommands({ app, model, tracker, trans, fileBrowser }: IOptions): void {
  const { commands, serviceManager } = app;

  /** The notebook meant: the file browser's selection, a path, or the active notebook. */
  const pathOf = (args: { readonly [key: string]: unknown }): string | null => {
    if (args.selected) {
      const items = [...(fileBrowser?.selectedItems() ?? [])];
      const only = items.length === 1 && items[0].type === 'notebook' ? items[0].path : null;
      return only && serviceManager.contents.localPath(only);
    }
    return typeof args.path === 'string' ? args.path : (model.source?.path ?? null);
  };

  commands.addCommand(CommandIDs.show, {
    label: trans.__('MLOps Panel'),
    caption: trans.__('Show the pipeline of the active notebook and promote it'),
    icon: mlopsIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => app.shell.activateById(PANEL_ID)
  });

  commands.addCommand(CommandIDs.promote, {
    label: trans.__('Promote Notebook'),
    caption: args =>
      reasonNotToPromote(model, pathOf(args), trans) ??
      trans.__('Turn the notebook into a release, proven equal to it'),
    icon: mlopsIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          path: { type: 'string', description: trans.__('The notebook; default: the active one') },
          selected: {
            type: 'boolean',
            description: trans.__('Take the notebook that is selected in the file browser')
          }
        }
      }
    },
    isEnabled: args => reasonNotToPromote(model, pathOf(args), trans) === null,
    execute: async args => {
      const path = pathOf(args);
      if (!path) {
        return;
      }
      try {
        // what is promoted is the file, so an editor's changes must be in it
        const open = tracker.find(panel => panel.context.localPath === path);
        if (open?.context.model.dirty) {
          await open.context.save();
        }
        await model.promote(path);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        Notification.error(trans.__('%1 is not promoted: %2', path, message), {
          autoClose: false
        });
      }
    }
  });

  commands.addCommand(CommandIDs.cancel, {
    label: trans.__('Cancel Promotion'),
    caption: trans.__('End the running promotion of the active notebook; nothing is published'),
    describedBy: { args: { type: 'object', properties: { path: { type: 'string' } } } },
    isEnabled: args => {
      const path = pathOf(args);
      return path !== null && model.promotionOf(path)?.status === 'running';
    },
    execute: async args => {
      const path = pathOf(args);
      const promotion = path ? model.promotionOf(path) : null;
      if (!promotion) {
        return;
      }
      try {
        await model.cancel(promotion.id);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        Notification.error(trans.__('The promotion is not cancelled: %1', message));
      }
    }
  });

  addSweepCommands(app, model, trans);

  model.changed.connect(() => {
    commands.notifyCommandChanged(CommandIDs.promote);
    commands.notifyCommandChanged(CommandIDs.cancel);
  });
}
