import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { MlopsApi } from './api';
import { addCommands } from './commands';
import { MlopsModel } from './model';
import { notifyPromotions } from './notifications';
import { MlopsPanel } from './panel';
import { NotebookSource } from './source';
import { CommandIDs, IMlopsModel, PLUGIN_ID } from './tokens';

/** The panel, the commands and what they share. */
const plugin: JupyterFrontEndPlugin<IMlopsModel> = {
  id: PLUGIN_ID,
  description: 'Shows the active notebook as a pipeline and promotes it.',
  autoStart: true,
  provides: IMlopsModel,
  requires: [INotebookTracker],
  optional: [ICommandPalette, IDefaultFileBrowser, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    fileBrowser: IDefaultFileBrowser | null,
    restorer: ILayoutRestorer | null,
    someTranslator: ITranslator | null
  ): IMlopsModel => {
    const translator = someTranslator ?? nullTranslator;
    const trans = translator.load('jupyter_mlops');
    const model = new MlopsModel({ api: new MlopsApi(app.serviceManager.serverSettings) });
    addCommands({ app, model, tracker, trans, fileBrowser });

    const panel = new MlopsPanel(model, app.commands, translator);
    app.shell.add(panel, 'left', { rank: 400, type: 'MLOps' });
    restorer?.add(panel, panel.id);
    notifyPromotions(model, () => void app.commands.execute(CommandIDs.show), trans);

    const category = trans.__('MLOps');
    const { show: showPanel, promote, cancel, sweep, stopSweep } = CommandIDs;
    for (const command of [showPanel, promote, cancel, sweep, stopSweep]) {
      palette?.addItem({ command, category });
    }

    const show = async (notebook: NotebookPanel | null): Promise<void> => {
      await notebook?.context.ready;
      // another notebook may have become active meanwhile
      if (tracker.currentWidget !== notebook) {
        return;
      }
      const usable = notebook && !notebook.isDisposed ? notebook : null;
      model.setSource(usable && new NotebookSource(usable, id => app.shell.activateById(id)));
    };
    tracker.currentChanged.connect((_, notebook) => void show(notebook));
    void app.restored.then(async () => {
      await model.connect();
      await show(tracker.currentWidget);
    });
    return model;
  }
};

export { IMlopsModel } from './tokens';
export default plugin;
