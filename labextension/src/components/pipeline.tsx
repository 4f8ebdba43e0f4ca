import { infoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { layout } from '../layout';
import type { PipelineView, ServingView, StepView } from '../messages';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';
import { GoTo } from './goto';
import { Gutter } from './gutter';
import { withCode } from './problem';

interface IPipelineProps {
  readonly pipeline: PipelineView;
  readonly source: INotebookSource;
  /** The notebook has changed since and does not compile now. */
  readonly stale: boolean;
}

/** The inferred pipeline from top to bottom, then what will be served. */
export function Pipeline({ pipeline, source, stale }: IPipelineProps): React.JSX.Element {
  const { trans } = useMlops();
  const { rows, lanes } = layout(pipeline.steps);
  const positions = new Map(source.cells.map(cell => [cell.id, cell.position]));
  return (
    <div className="jp-mlops-Pipeline" data-stale={stale}>
      {stale && <p className="jp-mlops-Quiet">{trans.__('As it was before the last edits:')}</p>}
      <ol className="jp-mlops-Graph" aria-label={trans.__('Steps of the pipeline')}>
        {pipeline.steps.map((step, index) => (
          <li key={step.name} className="jp-mlops-Step" data-step={step.name}>
            <Gutter row={rows[index]} lanes={lanes} serves={pipeline.serving?.step === step.name} />
            <StepCard step={step} positions={positions} source={source} />
          </li>
        ))}
      </ol>
      {pipeline.serving && <Serving serving={pipeline.serving} source={source} />}
      {pipeline.notices.map((notice, index) => (
        <div key={index} className="jp-mlops-Notice" role="note">
          <infoIcon.react tag="span" className="jp-mlops-Notice-icon" />
          <div>
            <p>{withCode(notice.message)}</p>
            <GoTo place={notice.place} source={source} />
          </div>
        </div>
      ))}
    </div>
  );
}

interface IStepCardProps {
  readonly step: StepView;
  readonly positions: ReadonlyMap<string, number>;
  readonly source: INotebookSource;
}

function StepCard({ step, positions, source }: IStepCardProps): React.JSX.Element {
  const { trans } = useMlops();
  const first = step.cells[0];
  const numbers = step.cells.map(id => positions.get(id)).filter(position => position);
  const after = step.upstream.filter(name => !step.inputs.some(input => input.provider === name));
  return (
    <div className="jp-mlops-Step-card">
      <div className="jp-mlops-Step-head">
        <button
          type="button"
          className="jp-mlops-Step-name"
          title={trans.__('Go to the first cell of %1', step.name)}
          onClick={() => void source.goTo({ cell_id: first, cell: null, line: null })}
        >
          {step.name}
        </button>
        <span className="jp-mlops-Quiet" title={trans.__('Cells: %1', numbers.join(', '))}>
          {trans._n('%1 cell', '%1 cells', step.cells.length)}
        </span>
      </div>
      <dl className="jp-mlops-Facts">
        {step.first.length > 0 && (
          <>
            <dt title={trans.__('Cells that run before those of the step')}>{trans.__('first')}</dt>
            <dd>
              {step.first.map(({ cell, names }) => (
                <code
                  key={cell}
                  title={
                    names.length > 0
                      ? trans.__('for %1', names.join(', '))
                      : trans.__('for what it sets up')
                  }
                >
                  {trans.__('cell %1', cell)}
                </code>
              ))}
            </dd>
          </>
        )}
        {step.inputs.length > 0 && (
          <>
            <dt>{trans.__('in')}</dt>
            <dd>
              {step.inputs.map(({ name, provider }) => (
                <code key={name} title={trans.__('from the step %1', provider)}>
                  {name}
                </code>
              ))}
            </dd>
          </>
        )}
        <Names label={trans.__('out')} names={step.outputs} />
        <Names label={trans.__('params')} names={step.parameters} />
        <Names label={trans.__('metrics')} names={step.metrics} />
        <Names label={trans.__('after')} names={after} />
      </dl>
    </div>
  );
}

interface INamesProps {
  readonly label: string;
  readonly names: readonly string[];
}

function Names({ label, names }: INamesProps): React.JSX.Element | null {
  if (names.length === 0) {
    return null;
  }
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {names.map(name => (
          <code key={name}>{name}</code>
        ))}
      </dd>
    </>
  );
}

interface IServingProps {
  readonly serving: ServingView;
  readonly source: INotebookSource;
}

function Serving({ serving, source }: IServingProps): React.JSX.Element {
  const { trans } = useMlops();
  return (
    <div className="jp-mlops-Serving">
      <div className="jp-mlops-Step-head">
        <span className="jp-mlops-Serving-title">
          {trans.__('Serves')} <code>{serving.function}()</code>
        </span>
        <GoTo place={serving.cell} source={source} />
      </div>
      <dl className="jp-mlops-Facts">
        <Names label={trans.__('holds')} names={serving.state} />
        <dt>{trans.__('example')}</dt>
        <dd>
          <code>{serving.example}</code>
        </dd>
      </dl>
    </div>
  );
}
