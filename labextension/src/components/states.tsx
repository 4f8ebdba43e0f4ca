import * as React from 'react';

import { mlopsIcon } from '../icons';
import { tagHelp } from '../tags';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';
import { Suggestions } from './suggestions';
import { Tag } from './tag';

interface IStateProps {
  readonly title: string;
  readonly children?: React.ReactNode;
}

function State({ title, children }: IStateProps): React.JSX.Element {
  return (
    <div className="jp-mlops-State" role="status">
      <mlopsIcon.react tag="span" className="jp-mlops-State-icon" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Connecting(): React.JSX.Element {
  const { trans } = useMlops();
  return <State title={trans.__('Asking the server…')} />;
}

export function NoNotebook(): React.JSX.Element {
  const { commands, trans } = useMlops();
  return (
    <State title={trans.__('No notebook is open')}>
      <p>
        {trans.__(
          'Open a notebook to see the pipeline that it means, and to promote it to a release.'
        )}
      </p>
      {commands.hasCommand('filebrowser:activate') && (
        <button
          type="button"
          className="jp-mlops-Button"
          onClick={() => void commands.execute('filebrowser:activate')}
        >
          {trans.__('Show the files')}
        </button>
      )}
    </State>
  );
}

export function NoServer(): React.JSX.Element {
  const { model, trans } = useMlops();
  const [asking, setAsking] = React.useState(false);
  return (
    <State title={trans.__('The server does not answer')}>
      <p>
        {trans.__(
          'Pipelines are compiled and promoted by the server part of jupyter-mlops, which is not there or not enabled.'
        )}
      </p>
      <p className="jp-mlops-Hint">
        {trans.__('Check it with:')} <code>jupyter server extension list</code>
      </p>
      <button
        type="button"
        className="jp-mlops-Button"
        disabled={asking}
        onClick={() => {
          setAsking(true);
          void model.connect().finally(() => setAsking(false));
        }}
      >
        {trans.__('Try again')}
      </button>
    </State>
  );
}

interface IUntaggedProps {
  readonly source: INotebookSource;
}

/** How to begin: suggested tags, and what each tag says. */
export function Untagged({ source }: IUntaggedProps): React.JSX.Element {
  const { trans } = useMlops();
  return (
    <div className="jp-mlops-Untagged" role="note">
      <h3>{trans.__('Tag the cells to make a pipeline')}</h3>
      <p>
        {trans.__(
          'Take the tags that are suggested, or give the first cell of each step one, with the + beside it below. Variables that pass from step to step are found by themselves.'
        )}
      </p>
      <Suggestions source={source} />
      <dl>
        {tagHelp(trans).map(({ tag, help }) => (
          <React.Fragment key={tag}>
            <dt>
              <Tag tag={tag} />
            </dt>
            <dd>{help}</dd>
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}
