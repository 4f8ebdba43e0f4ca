import { errorIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ErrorMessage } from '../messages';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';
import { GoTo } from './goto';

interface IProblemProps {
  readonly error: ErrorMessage;
  readonly source: INotebookSource;
  readonly title?: string;
}

/** One error: what is wrong, where, what to do. */
export function Problem({ error, source, title }: IProblemProps): React.JSX.Element {
  const { trans } = useMlops();
  return (
    <div className="jp-mlops-Problem" role="alert">
      <errorIcon.react tag="span" className="jp-mlops-Problem-icon" />
      <div>
        <div className="jp-mlops-Problem-title">
          {title ?? trans.__('This notebook cannot be promoted yet')}
        </div>
        <p>{withCode(error.message)}</p>
        {error.hint && <p className="jp-mlops-Hint">{withCode(sentence(error.hint))}</p>}
        {error.place?.notebook && error.place.cell === null && (
          <p className="jp-mlops-Quiet">
            {error.place.line === null
              ? error.place.notebook
              : trans.__('%1, line %2', error.place.notebook, error.place.line)}
          </p>
        )}
        {error.place && <GoTo place={error.place} source={source} />}
      </div>
    </div>
  );
}

/** Show what stands between backquotes as code. */
export function withCode(text: string): React.ReactNode {
  return text.split('`').map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part));
}

/** Begin with a capital. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
