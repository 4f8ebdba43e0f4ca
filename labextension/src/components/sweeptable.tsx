import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { SweepRowView, SweepView } from '../messages';
import type { IColumn } from '../sweeprows';
import { columnsOf, shown, sort } from '../sweeprows';
import { useMlops } from './context';

interface ISweepTableProps {
  readonly sweep: SweepView;
  readonly onOpen: (point: number) => void;
}

interface IOrder {
  readonly column: string;
  readonly falling: boolean;
}

/** The points of a sweep: those that run and the best first, unless a heading was clicked. */
export function SweepTable({ sweep, onOpen }: ISweepTableProps): React.JSX.Element | null {
  const { trans } = useMlops();
  const [order, setOrder] = React.useState<IOrder | null>(null);
  const columns = columnsOf(sweep);
  const sorted = order && columns.find(each => each.name === order.column);
  const rows = sorted ? sort(sweep.rows, sorted, order.falling) : sweep.rows;
  if (rows.length === 0) {
    return null;
  }
  const click = (name: string): void => {
    const falling =
      order?.column === name ? !order.falling : name === sweep.metric && sweep.highest;
    setOrder({ column: name, falling });
  };
  return (
    <div className="jp-mlops-Table" tabIndex={0} role="region" aria-label={trans.__('Points')}>
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span className="jp-mlops-Hidden">{trans.__('Point')}</span>
            </th>
            <th scope="col" className="jp-mod-words">
              {trans.__('status')}
            </th>
            {columns.map(({ name }) => (
              <th
                key={name}
                scope="col"
                aria-sort={
                  order?.column !== name ? 'none' : order.falling ? 'descending' : 'ascending'
                }
              >
                <button type="button" title={name} onClick={() => click(name)}>
                  <span>{name}</span>
                  {order?.column === name &&
                    (order.falling ? (
                      <caretDownIcon.react tag="span" />
                    ) : (
                      <caretUpIcon.react tag="span" />
                    ))}
                </button>
              </th>
            ))}
            <th scope="col">{trans.__('time')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <Row
              key={row.number}
              row={row}
              columns={columns}
              isBest={row.number === sweep.best}
              onOpen={onOpen}
            />
          ))}
        </tbody>
      </table>
      {sweep.hidden > 0 && (
        <p className="jp-mlops-Quiet">
          {trans._n('%1 more point', '%1 more points', sweep.hidden)}
        </p>
      )}
    </div>
  );
}

interface IRowProps {
  readonly row: SweepRowView;
  readonly columns: readonly IColumn[];
  readonly isBest: boolean;
  readonly onOpen: (point: number) => void;
}

function Row({ row, columns, isBest, onOpen }: IRowProps): React.JSX.Element {
  const { trans } = useMlops();
  const [reason] = row.error.split('\n');
  return (
    <>
      <tr data-status={row.status} data-best={isBest} data-point={row.number}>
        <th scope="row">
          {row.executed ? (
            <button
              type="button"
              className="jp-mlops-Link"
              title={trans.__('Open the executed notebook of point %1', row.number)}
              onClick={() => onOpen(row.number)}
            >
              {row.number}
            </button>
          ) : (
            row.number
          )}
        </th>
        <td className="jp-mod-words">{statusOf(row, isBest, trans)}</td>
        {columns.map(({ name, value }) => (
          <td key={name}>{shown(value(row))}</td>
        ))}
        <td>{row.seconds ? trans.__('%1 s', row.seconds.toFixed(1)) : ''}</td>
      </tr>
      {reason && (
        <tr className="jp-mlops-Table-reason">
          <td colSpan={columns.length + 3}>{reason}</td>
        </tr>
      )}
    </>
  );
}

function statusOf(row: SweepRowView, isBest: boolean, trans: TranslationBundle): string {
  switch (row.status) {
    case 'ok':
      return isBest ? trans.__('★ best') : trans.__('done');
    case 'running':
      return trans.__('running');
    case 'failed':
      return trans.__('failed');
    case 'pruned':
      return trans.__('pruned');
    default:
      return trans.__('waiting');
  }
}
