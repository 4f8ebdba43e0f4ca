import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { tagRole } from '../tags';
import { useMlops } from './context';

interface ITagProps {
  readonly tag: string;
  readonly title?: string;
  readonly onRemove?: () => void;
}

/** A tag as a chip, coloured by what it says. */
export function Tag({ tag, title, onRemove }: ITagProps): React.JSX.Element {
  const { trans } = useMlops();
  return (
    <span className="jp-mlops-Tag" data-role={tagRole(tag)} title={title}>
      {tag}
      {onRemove && (
        <button
          type="button"
          className="jp-mlops-Tag-remove"
          aria-label={trans.__('Remove the tag %1', tag)}
          title={trans.__('Remove')}
          onClick={onRemove}
        >
          <closeIcon.react tag="span" width="10px" height="10px" />
        </button>
      )}
    </span>
  );
}
