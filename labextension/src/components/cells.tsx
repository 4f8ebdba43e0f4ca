import * as React from 'react';

import type { PipelineView } from '../messages';
import { stepNames } from '../tags';
import type { ICellState, INotebookSource } from '../tokens';
import { useMlops } from './context';
import { Tag } from './tag';
import { TagInput } from './taginput';

interface ICellsProps {
  readonly cells: readonly ICellState[];
  readonly source: INotebookSource;
  readonly pipeline: PipelineView | null;
}

/** The notebook's cells with their tags. */
export function Cells({ cells, source, pipeline }: ICellsProps): React.JSX.Element {
  const { trans } = useMlops();
  const steps = new Map(pipeline?.cells.map(cell => [cell.id, cell.step]));
  const names = stepNames(cells);
  if (cells.length === 0) {
    return <p className="jp-mlops-Quiet">{trans.__('The notebook has no cells.')}</p>;
  }
  return (
    <ol className="jp-mlops-Cells">
      {cells.map(cell => (
        <CellRow
          key={cell.id}
          cell={cell}
          source={source}
          step={steps.get(cell.id) ?? null}
          stepNames={names}
        />
      ))}
    </ol>
  );
}

interface ICellRowProps {
  readonly cell: ICellState;
  readonly source: INotebookSource;
  readonly step: string | null;
  readonly stepNames: readonly string[];
}

function CellRow({ cell, source, step, stepNames }: ICellRowProps): React.JSX.Element {
  const { trans } = useMlops();
  const [editing, setEditing] = React.useState(false);
  const active = source.activeCellId === cell.id;
  const editable = !source.readOnly && cell.kind === 'code';
  const told = step !== null && [step, `step:${step}`].some(tag => cell.tags.includes(tag));
  const inherited = told ? null : step;
  return (
    <li className="jp-mlops-Cell" data-kind={cell.kind} data-active={active} data-cell={cell.id}>
      <div className="jp-mlops-Cell-head">
        <button
          type="button"
          className="jp-mlops-Cell-go"
          aria-current={active || undefined}
          aria-label={trans.__('Go to cell %1: %2', cell.position, cell.firstLine)}
          onClick={() => void source.goTo({ cell_id: cell.id, cell: cell.position, line: null })}
        >
          <span className="jp-mlops-Cell-position">{cell.position}</span>
          <span className="jp-mlops-Cell-line">{cell.firstLine || trans.__('(empty)')}</span>
        </button>
        {editable && (
          <button
            type="button"
            className="jp-mlops-Cell-add"
            aria-label={trans.__('Add a tag to cell %1', cell.position)}
            title={trans.__('Add a tag')}
            aria-expanded={editing}
            onClick={() => setEditing(!editing)}
          >
            +
          </button>
        )}
      </div>
      {(cell.tags.length > 0 || inherited || editing) && (
        <div className="jp-mlops-Cell-tags">
          {inherited && (
            <span className="jp-mlops-Quiet" title={trans.__('Runs in the step %1', inherited)}>
              {inherited}
            </span>
          )}
          {cell.tags.map(tag => (
            <Tag
              key={tag}
              tag={tag}
              onRemove={
                editable && !cell.declared.includes(tag)
                  ? () => source.removeTag(cell.id, tag)
                  : undefined
              }
              title={
                cell.declared.includes(tag)
                  ? trans.__('Declared by the cell’s first line')
                  : undefined
              }
            />
          ))}
          {editing && (
            <TagInput
              position={cell.position}
              taken={cell.tags}
              stepNames={stepNames}
              onAdd={tag => source.addTag(cell.id, tag)}
              onClose={() => setEditing(false)}
            />
          )}
        </div>
      )}
    </li>
  );
}
