import { checkIcon, closeIcon, errorIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { PromotionView, ReleaseView } from '../messages';
import type { IStage } from '../progress';
import { stages } from '../progress';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';
import { Problem } from './problem';
import { Section } from './section';

interface IPromotionProps {
  readonly promotion: PromotionView;
  readonly source: INotebookSource;
}

/** The newest promotion of the notebook: its stages, then its release or its error. */
export function Promotion({ promotion, source }: IPromotionProps): React.JSX.Element {
  const { trans } = useMlops();
  const found = stages(promotion);
  const failed = promotion.status === 'failed' && promotion.error;
  const list = <Stages found={found} starting={promotion.status === 'running'} />;
  return (
    <Section title={trans.__('Promotion')} count={statusText(promotion, trans)}>
      <div className="jp-mlops-Promotion" data-status={promotion.status}>
        {promotion.result && <Release release={promotion.result} />}
        {failed && <Problem error={failed} source={source} title={trans.__('Not promoted')} />}
        {promotion.status === 'done' ? (
          <details className="jp-mlops-Details">
            <summary>{trans.__('What was done')}</summary>
            {list}
          </details>
        ) : (
          list
        )}
        {failed && promotion.log && (
          <details className="jp-mlops-Details">
            <summary>{trans.__('Log')}</summary>
            <pre>{promotion.log}</pre>
          </details>
        )}
      </div>
    </Section>
  );
}

interface IStagesProps {
  readonly found: readonly IStage[];
  /** Nothing is wrong where there are no stages yet. */
  readonly starting: boolean;
}

function Stages({ found, starting }: IStagesProps): React.JSX.Element {
  const { trans } = useMlops();
  return (
    <ol className="jp-mlops-Stages" aria-live="polite" aria-label={trans.__('Stages')}>
      {starting && found.length === 0 && (
        <li className="jp-mlops-Stage" data-state="running">
          <StageIcon state="running" />
          <span className="jp-mlops-Stage-message">{trans.__('Starting…')}</span>
        </li>
      )}
      {found.map((stage, index) => (
        <li key={index} className="jp-mlops-Stage" data-state={stage.state}>
          <StageIcon state={stage.state} />
          <div className="jp-mlops-Stage-words">
            <div className="jp-mlops-Stage-head">
              <span className="jp-mlops-Stage-name">
                {[stage.name, stage.subject].filter(Boolean).join(' ')}
              </span>
              <span className="jp-mlops-Stage-seconds">{stageText(stage, trans)}</span>
            </div>
            <div className="jp-mlops-Stage-message">{stage.message}</div>
            {stage.notices.map((notice, row) => (
              <div key={row} className="jp-mlops-Stage-message">
                {notice}
              </div>
            ))}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Release({ release }: { readonly release: ReleaseView }): React.JSX.Element {
  const { trans } = useMlops();
  const images = Object.entries(release.images ?? {});
  return (
    <div className="jp-mlops-Release" role="status">
      <div className="jp-mlops-Release-title">
        <checkIcon.react tag="span" className="jp-mlops-Release-icon" />
        {trans.__('Release %1', release.ref)}
      </div>
      <dl className="jp-mlops-Facts">
        {release.proof && (
          <>
            <dt>{trans.__('proof')}</dt>
            <dd>{release.proof}</dd>
          </>
        )}
        {release.model_version && (
          <>
            <dt>{trans.__('model')}</dt>
            <dd>{trans.__('version %1', release.model_version)}</dd>
          </>
        )}
        <dt>{trans.__('images')}</dt>
        <dd>
          {images.length
            ? images.map(([kind, tag]) => (
                <code key={kind} title={kind}>
                  {tag}
                </code>
              ))
            : trans.__('none: a local release')}
        </dd>
        {Object.entries(release.metrics).map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{Number(value.toPrecision(5))}</dd>
          </React.Fragment>
        ))}
        <dt>{trans.__('run')}</dt>
        <dd>
          <code>{release.run}</code>
        </dd>
        <dt>{trans.__('serve')}</dt>
        <dd>
          <code>jupyter mlops serve {release.ref}</code>
        </dd>
      </dl>
    </div>
  );
}

function StageIcon({ state }: { readonly state: IStage['state'] }): React.JSX.Element {
  switch (state) {
    case 'running':
      return <span className="jp-mlops-Stage-icon jp-mlops-Spinner" aria-hidden="true" />;
    case 'done':
      return <checkIcon.react tag="span" className="jp-mlops-Stage-icon" />;
    case 'failed':
      return <errorIcon.react tag="span" className="jp-mlops-Stage-icon" />;
    case 'cancelled':
      return <closeIcon.react tag="span" className="jp-mlops-Stage-icon" />;
    default:
      return <span className="jp-mlops-Stage-icon jp-mlops-Dot" aria-hidden="true" />;
  }
}

function stageText(stage: IStage, trans: TranslationBundle): string {
  const seconds = stage.seconds === null ? '' : trans.__('%1 s', stage.seconds.toFixed(1));
  switch (stage.state) {
    case 'running':
      return trans.__('running, %1', seconds);
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    default:
      return seconds;
  }
}

function statusText(promotion: PromotionView, trans: TranslationBundle): string {
  const seconds = trans.__('%1 s', Math.round(promotion.seconds));
  switch (promotion.status) {
    case 'running':
      return trans.__('running, %1', seconds);
    case 'done':
      return trans.__('done in %1', seconds);
    case 'cancelled':
      return trans.__('cancelled after %1', seconds);
    default:
      return trans.__('failed after %1', seconds);
  }
}
