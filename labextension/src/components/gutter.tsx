import * as React from 'react';

import type { IGraphRow } from '../layout';

const LANE = 12;
const LEFT = 10;
const NODE = 16;
const BEND = 16;

interface IGutterProps {
  readonly row: IGraphRow;
  readonly lanes: number;
  readonly serves: boolean;
}

/** The part of the graph beside one step: its node and the edges that reach or pass it. */
export function Gutter({ row, lanes, serves }: IGutterProps): React.JSX.Element {
  const width = LEFT * 2 + (lanes - 1) * LANE;
  const x = (lane: number): number => LEFT + lane * LANE;
  const down = (lane: number, from: number | string, to: number | string): React.JSX.Element => (
    <line key={`${lane}-${from}`} x1={x(lane)} x2={x(lane)} y1={from} y2={to} />
  );
  return (
    <div className="jp-mlops-Gutter" style={{ width }} aria-hidden="true">
      <svg width="100%" height="100%">
        <g className="jp-mlops-Edge">
          {row.fromAbove && down(0, 0, NODE)}
          {row.toBelow && down(0, NODE, '100%')}
          {row.through.map(lane => down(lane, 0, '100%'))}
          {row.starts !== null && (
            <>
              <path
                d={`M ${x(0)} ${NODE} C ${x(row.starts)} ${NODE}, ${x(row.starts)} ${NODE}, ${x(row.starts)} ${NODE + BEND}`}
              />
              {down(row.starts, NODE + BEND, '100%')}
            </>
          )}
          {row.arrives.map(lane => (
            <path
              key={`arrives-${lane}`}
              d={`M ${x(lane)} 0 C ${x(lane)} ${NODE}, ${x(lane)} ${NODE}, ${x(0)} ${NODE}`}
            />
          ))}
          {row.arrives
            .filter(lane => !row.ends.includes(lane) && !row.through.includes(lane))
            .map(lane => down(lane, 0, '100%'))}
        </g>
        <circle className="jp-mlops-Node" data-serves={serves} cx={x(0)} cy={NODE} r={5} />
      </svg>
    </div>
  );
}
