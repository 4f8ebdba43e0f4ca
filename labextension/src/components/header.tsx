import * as React from 'react';

import type { PipelineView } from '../messages';
import { reasonNotToPromote } from '../promotable';
import type { INotebookSource } from '../tokens';
import { CommandIDs } from '../tokens';
import { useMlops } from './context';

interface IHeaderProps {
  readonly source: INotebookSource;
  readonly pipeline: PipelineView | null;
}

/** The notebook's name, what its promotion will give, and the button. */
export function Header({ source, pipeline }: IHeaderProps): React.JSX.Element {
  const { model, commands, trans } = useMlops();
  const reason = reasonNotToPromote(model, source.path, trans);
  const running = model.promotion?.status === 'running';
  const [cancelling, setCancelling] = React.useState(false);
  const folder = source.path.slice(0, -source.name.length).replace(/\/$/, '');
  return (
    <header className="jp-mlops-Header">
      <div className="jp-mlops-Header-names">
        <h2 className="jp-mlops-Header-name" title={source.path}>
          {source.name}
        </h2>
        <div className="jp-mlops-Header-about">
          {[
            folder,
            source.dirty && trans.__('not saved'),
            pipeline &&
              (model.status?.engine
                ? trans.__('with Docker images')
                : trans.__('local release: no Docker engine'))
          ]
            .filter(Boolean)
            .join(' · ')}
        </div>
      </div>
      {running ? (
        <button
          type="button"
          className="jp-mlops-Button"
          disabled={cancelling}
          onClick={() => {
            setCancelling(true);
            void commands.execute(CommandIDs.cancel).finally(() => setCancelling(false));
          }}
        >
          {cancelling ? trans.__('Cancelling…') : trans.__('Cancel')}
        </button>
      ) : (
        <button
          type="button"
          className="jp-mlops-Button jp-mod-primary"
          aria-disabled={reason !== null}
          title={reason ?? trans.__('Turn the notebook into a release, proven equal to it')}
          onClick={() => {
            if (reason === null) {
              void commands.execute(CommandIDs.promote);
            }
          }}
        >
          {trans.__('Promote')}
        </button>
      )}
    </header>
  );
}
