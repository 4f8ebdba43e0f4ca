import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { IMlopsModel } from '../tokens';

/** What every component may use. */
export interface IContext {
  readonly model: IMlopsModel;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

export const Context = React.createContext<IContext | null>(null);

/** Return what the panel provides. */
export function useMlops(): IContext {
  const context = React.useContext(Context);
  if (!context) {
    throw new Error('this component belongs into the MLOps panel');
  }
  return context;
}
