import { UseSignal } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { SweepSummaryView, SweepView } from '../messages';
import type { INotebookSource } from '../tokens';
import { shortNumber, shown as text } from '../sweeprows';
import { CommandIDs } from '../tokens';
import { useMlops } from './context';
import { Problem } from './problem';
import { Section } from './section';
import { SweepForm } from './sweepform';
import { SweepTable } from './sweeptable';

interface ISweepsProps {
  readonly source: INotebookSource;
}

/** The notebook's sweeps: a form for a new one, and the table of one of them, live. */
export function Sweeps({ source }: ISweepsProps): React.JSX.Element {
  const { model, trans } = useMlops();
  return (
    <UseSignal signal={model.sweeps.changed}>
      {() => {
        const { known, running } = model.sweeps;
        const count = running
          ? trans.__('%1 of %2', running.done, running.total)
          : known.length
            ? trans._n('%1 sweep', '%1 sweeps', known.length)
            : '';
        return (
          <Section title={trans.__('Sweeps')} count={count}>
            <Body source={source} />
          </Section>
        );
      }}
    </UseSignal>
  );
}

function Body({ source }: ISweepsProps): React.JSX.Element {
  const { model, commands, trans } = useMlops();
  const { known, shown, running, error, isFormOpen, doing } = model.sweeps;
  return (
    <div className="jp-mlops-Sweeps">
      {!isFormOpen && known.length === 0 && (
        <p className="jp-mlops-Quiet">
          {trans.__(
            'Run this notebook for many values of its parameters, several at a time. What all of them share runs once.'
          )}
        </p>
      )}
      {!isFormOpen && (
        <div className="jp-mlops-Sweeps-actions">
          {running ? (
            <button
              type="button"
              className="jp-mlops-Button"
              disabled={doing !== null}
              onClick={() => void commands.execute(CommandIDs.stopSweep)}
            >
              {doing === 'stopping' ? trans.__('Stopping…') : trans.__('Stop')}
            </button>
          ) : (
            <button
              type="button"
              className="jp-mlops-Button"
              onClick={() => void commands.execute(CommandIDs.sweep)}
            >
              {trans.__('Sweep parameters…')}
            </button>
          )}
        </div>
      )}
      {isFormOpen && <SweepForm source={source} />}
      {error && <Problem error={error} source={source} title={trans.__('This did not work')} />}
      {known.length > 1 && shown && <Choose known={known} shown={shown} />}
      {shown && <Shown sweep={shown} source={source} />}
    </div>
  );
}

interface IChooseProps {
  readonly known: readonly SweepSummaryView[];
  readonly shown: SweepView;
}

function Choose({ known, shown }: IChooseProps): React.JSX.Element {
  const { model, trans } = useMlops();
  return (
    <select
      className="jp-mlops-Select"
      aria-label={trans.__('Which sweep')}
      value={shown.name}
      onChange={event => void model.sweeps.show(event.target.value)}
    >
      {known.map(each => (
        <option key={each.name} value={each.name}>
          {title(each, trans)}
        </option>
      ))}
    </select>
  );
}

function title(sweep: SweepSummaryView, trans: TranslationBundle): string {
  const when = new Date(sweep.started * 1000);
  const time = when.toLocaleString(undefined, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit'
  });
  const best = sweep.value === null ? '' : `, ${sweep.metric} ${shortNumber(sweep.value)}`;
  const points = trans._n('%1 point', '%1 points', sweep.total);
  return `${time} · ${points}${best}`;
}

interface IShownProps {
  readonly sweep: SweepView;
  readonly source: INotebookSource;
}

function Shown({ sweep, source }: IShownProps): React.JSX.Element {
  const { model, commands, trans } = useMlops();
  const open = (point: number | null): void => {
    void model.sweeps.notebook(sweep.name, point).then(path => {
      if (path !== null) {
        void commands.execute('docmanager:open', { path });
      }
    });
  };
  const best = sweep.rows.find(row => row.number === sweep.best);
  return (
    <div className="jp-mlops-Sweep" data-status={sweep.status}>
      <div className="jp-mlops-Sweep-head">
        <span role="status">{statusText(sweep, trans)}</span>
        {sweep.summary && (
          <button type="button" className="jp-mlops-Link" onClick={() => open(null)}>
            {trans.__('Open summary')}
          </button>
        )}
      </div>
      <div
        className="jp-mlops-Bar"
        role="progressbar"
        aria-label={trans.__('Points done')}
        aria-valuemin={0}
        aria-valuemax={sweep.total}
        aria-valuenow={sweep.done}
      >
        <span style={{ width: `${(100 * (sweep.done - sweep.failed)) / sweep.total}%` }} />
        <span
          className="jp-mod-failed"
          style={{ width: `${(100 * sweep.failed) / sweep.total}%` }}
        />
      </div>
      {best && (
        <p className="jp-mlops-Sweep-best">
          {trans.__(
            sweep.status === 'running' ? 'Best so far: %1 %2' : 'Best: %1 %2',
            sweep.metric,
            shortNumber(sweep.value)
          )}
          <span className="jp-mlops-Quiet">
            {Object.entries(best.parameters)
              .map(([name, value]) => `${name}=${text(value)}`)
              .join('  ')}
          </span>
        </p>
      )}
      {sweep.error && sweep.status !== 'running' && (
        <Problem error={sweep.error} source={source} title={trans.__('The sweep has failed')} />
      )}
      <SweepTable sweep={sweep} onOpen={open} />
      {sweep.status === 'stopped' && (
        <p className="jp-mlops-Quiet">
          {trans.__('What is done is kept. To go on:')} <code>{sweep.resume}</code>
        </p>
      )}
      {sweep.error && sweep.log && (
        <details className="jp-mlops-Details">
          <summary>{trans.__('Log')}</summary>
          <pre>{sweep.log}</pre>
        </details>
      )}
    </div>
  );
}

function statusText(sweep: SweepView, trans: TranslationBundle): string {
  const parts = [];
  const running = sweep.rows.filter(row => row.status === 'running').length;
  if (sweep.status === 'running') {
    parts.push(trans.__('%1 of %2 points', sweep.done, sweep.total));
    parts.push(
      running
        ? trans.__('%1 running', running)
        : sweep.shared
          ? trans.__('running')
          : trans.__('running what all points share')
    );
    if (sweep.left !== null) {
      parts.push(trans.__('about %1 left', span(sweep.left, trans)));
    }
  } else {
    const took = span(sweep.seconds, trans);
    const points = trans._n('%1 point', '%1 points', sweep.total);
    const words = {
      ok: trans.__('%1 in %2', points, took),
      stopped: trans.__('stopped: %1 of %2', sweep.done, points),
      failed: trans.__('failed after %1', took)
    };
    parts.push(words[sweep.status]);
  }
  if (sweep.failed && sweep.status !== 'failed') {
    parts.push(trans.__('%1 failed', sweep.failed));
  }
  return parts.join(' · ');
}

function span(seconds: number, trans: TranslationBundle): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 100 ? trans.__('%1 s', whole) : trans.__('%1 min', Math.round(whole / 60));
}
