import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import { sweepIcon } from './icons';
import type { IMlopsModel } from './tokens';
import { CommandIDs, PANEL_ID } from './tokens';

/** Add the commands that begin and stop a sweep of the active notebook. */
export function addSweepCommands(
  app: JupyterFrontEnd,
  model: IMlopsModel,
  trans: TranslationBundle
): void {
  const { commands } = app;
  const describedBy = { args: { type: 'object', properties: {} } };

  commands.addCommand(CommandIDs.sweep, {
    label: trans.__('Sweep Parameters…'),
    caption: () =>
      reasonNotToSweep(model, trans) ??
      trans.__('Run the notebook for many values of its parameters'),
    icon: sweepIcon,
    describedBy,
    isEnabled: () => reasonNotToSweep(model, trans) === null,
    execute: async () => {
      app.shell.activateById(PANEL_ID);
      await model.sweeps.openForm();
    }
  });

  commands.addCommand(CommandIDs.stopSweep, {
    label: trans.__('Stop Sweep'),
    caption: trans.__('End the running sweep of the active notebook; what is done is kept'),
    describedBy,
    isEnabled: () => model.sweeps.running !== null && model.sweeps.doing === null,
    execute: () => model.sweeps.stop()
  });

  const notify = (): void => {
    commands.notifyCommandChanged(CommandIDs.sweep);
    commands.notifyCommandChanged(CommandIDs.stopSweep);
  };
  model.changed.connect(notify);
  model.sweeps.changed.connect(notify);
}

/** Return why the active notebook cannot be swept now, or null if it can. */
export function reasonNotToSweep(model: IMlopsModel, trans: TranslationBundle): string | null {
  if (model.server !== 'there') {
    return trans.__('The server part of jupyter-mlops does not answer');
  }
  if (!model.source) {
    return trans.__('No notebook is open');
  }
  if (model.sweeps.running) {
    return trans.__('A sweep of this notebook runs');
  }
  return null;
}
