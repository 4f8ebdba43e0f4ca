import { UseSignal } from '@jupyterlab/apputils';
import * as React from 'react';

import type { SuggestedTagView } from '../messages';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';
import { GoTo } from './goto';
import { Problem, withCode } from './problem';
import { Tag } from './tag';

interface ISuggestionsProps {
  readonly source: INotebookSource;
}

/** Offers tags for cells that have none, shows them with their reasons, and sets them. */
export function Suggestions({ source }: ISuggestionsProps): React.JSX.Element {
  const { model } = useMlops();
  return (
    <UseSignal signal={model.suggestions.changed}>{() => <Offer source={source} />}</UseSignal>
  );
}

function Offer({ source }: ISuggestionsProps): React.JSX.Element {
  const { model, trans } = useMlops();
  const { tags, error, asking } = model.suggestions;
  if (tags?.length) {
    return <Found tags={tags} source={source} />;
  }
  return (
    <div className="jp-mlops-Suggest">
      <button
        type="button"
        className="jp-mlops-Button jp-mod-primary"
        disabled={asking || source.readOnly}
        onClick={() => void model.suggestions.ask(source)}
      >
        {asking ? trans.__('Looking at the cells…') : trans.__('Suggest tags')}
      </button>
      {tags && <p role="status">{trans.__('Every cell has its tags already.')}</p>}
      {error && (
        <Problem error={error} source={source} title={trans.__('No tags can be suggested yet')} />
      )}
    </div>
  );
}

interface IFoundProps extends ISuggestionsProps {
  readonly tags: readonly SuggestedTagView[];
}

function Found({ tags, source }: IFoundProps): React.JSX.Element {
  const { model, trans } = useMlops();
  const ids = [...new Set(tags.map(each => each.cell.cell_id))];
  return (
    <div className="jp-mlops-Suggest" role="group" aria-label={trans.__('Suggested tags')}>
      <div className="jp-mlops-Suggest-actions">
        <button
          type="button"
          className="jp-mlops-Button jp-mod-primary"
          disabled={source.readOnly}
          onClick={() => model.suggestions.apply(source)}
        >
          {trans.__('Apply')}
        </button>
        <button type="button" className="jp-mlops-Button" onClick={() => model.suggestions.drop()}>
          {trans.__('Dismiss')}
        </button>
      </div>
      <ol className="jp-mlops-Suggest-tags">
        {ids.map(id => {
          const own = tags.filter(each => each.cell.cell_id === id);
          return (
            <li key={id} className="jp-mlops-Suggest-tag">
              <div className="jp-mlops-Step-head">
                <span className="jp-mlops-Suggest-chips">
                  {own.map(each => (
                    <Tag key={each.tag} tag={each.tag} />
                  ))}
                </span>
                <GoTo place={own[0].cell} source={source} />
              </div>
              <p className="jp-mlops-Quiet">{withCode(own[0].reason)}</p>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
