import * as React from 'react';

import type { PlaceMessage } from '../messages';
import type { INotebookSource } from '../tokens';
import { useMlops } from './context';

interface IGoToProps {
  readonly place: PlaceMessage;
  readonly source: INotebookSource;
}

/** A button that leads to a place in the notebook; nothing if the place names no cell. */
export function GoTo({ place, source }: IGoToProps): React.JSX.Element | null {
  const { trans } = useMlops();
  const cells = source.cells;
  // the cell may have moved since the place was named
  const position = cells.find(cell => cell.id === place.cell_id)?.position ?? place.cell;
  if (position === null || position > cells.length) {
    return null;
  }
  return (
    <button type="button" className="jp-mlops-Link" onClick={() => void source.goTo(place)}>
      {place.line === null
        ? trans.__('Go to cell %1', position)
        : trans.__('Go to cell %1, line %2', position, place.line)}
    </button>
  );
}
