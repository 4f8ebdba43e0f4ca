import { ReactWidget, UseSignal } from '@jupyterlab/apputils';
import type { ITranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { Cells } from './components/cells';
import { Context } from './components/context';
import { Header } from './components/header';
import { Pipeline } from './components/pipeline';
import { Problem } from './components/problem';
import { Promotion } from './components/promotion';
import { Section } from './components/section';
import { Connecting, NoNotebook, NoServer, Untagged } from './components/states';
import { Suggestions } from './components/suggestions';
import { Sweeps } from './components/sweeps';
import { mlopsIcon } from './icons';
import { isTagged } from './tags';
import type { IMlopsModel } from './tokens';
import { PANEL_ID } from './tokens';

/** The left panel: the active notebook, what it means, its promotion and its sweeps. */
export class MlopsPanel extends ReactWidget {
  constructor(
    private readonly _model: IMlopsModel,
    private readonly _commands: CommandRegistry,
    translator: ITranslator
  ) {
    super();
    this._trans = translator.load('jupyter_mlops');
    this.id = PANEL_ID;
    this.addClass('jp-mlops-Panel');
    this.title.icon = mlopsIcon;
    this.title.caption = this._trans.__('MLOps');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this._trans.__('MLOps'));
  }

  protected override render(): React.JSX.Element {
    const context = { model: this._model, commands: this._commands, trans: this._trans };
    return (
      <Context.Provider value={context}>
        <UseSignal signal={this._model.changed}>{() => this._body()}</UseSignal>
      </Context.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.sweeps.setVisible(true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._model.sweeps.setVisible(false);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._model.sweeps.setVisible(this.isVisible);
  }

  private _body(): React.JSX.Element {
    const { source, server, promotion, error, pipeline } = this._model;
    const trans = this._trans;
    if (server === 'unknown') {
      return <Connecting />;
    }
    if (server === 'absent') {
      return <NoServer />;
    }
    if (!source) {
      return <NoNotebook />;
    }
    const cells = source.cells;
    const tagged = cells.some(cell => isTagged(cell.tags));
    return (
      <>
        <Header source={source} pipeline={tagged ? pipeline : null} />
        <div className="jp-mlops-Scroll">
          {promotion && <Promotion key={promotion.id} promotion={promotion} source={source} />}
          {!tagged && <Untagged source={source} />}
          {tagged && error && <Problem error={error} source={source} />}
          {tagged && error?.code === 'pipeline.no-tags' && <Suggestions source={source} />}
          {tagged && pipeline && (
            <Section
              title={trans.__('Pipeline')}
              count={trans._n('%1 step', '%1 steps', pipeline.steps.length)}
            >
              <Pipeline pipeline={pipeline} source={source} stale={error !== null} />
            </Section>
          )}
          <Sweeps source={source} />
          <Section title={trans.__('Cells')} count={String(cells.length)}>
            <Cells cells={cells} source={source} pipeline={error ? null : pipeline} />
          </Section>
        </div>
      </>
    );
  }

  private readonly _trans;
}
