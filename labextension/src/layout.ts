import type { StepView } from './messages';

/** What one row of the graph draws; lane 0 holds the steps, the others hold long edges. */
export interface IGraphRow {
  /** The step above feeds this one directly. */
  readonly fromAbove: boolean;
  /** This step feeds the one below directly. */
  readonly toBelow: boolean;
  /** Lanes that pass by. */
  readonly through: readonly number[];
  /** The lane that begins here, if the step feeds one further below. */
  readonly starts: number | null;
  /** Lanes from which this step is fed. */
  readonly arrives: readonly number[];
  /** Those of `arrives` that end here. */
  readonly ends: readonly number[];
}

export interface IGraphLayout {
  readonly rows: readonly IGraphRow[];
  /** The number of lanes, at least 1. */
  readonly lanes: number;
}

interface ILane {
  readonly lane: number;
  readonly start: number;
  readonly end: number;
  readonly consumers: ReadonlySet<number>;
}

/**
 * Lay out steps, given in topological order, as rows from top to bottom.
 *
 * An edge between neighbours is a straight line. All longer edges of one provider share a lane
 * beside the steps, the first that is free over all its rows.
 */
export function layout(steps: readonly Pick<StepView, 'name' | 'upstream'>[]): IGraphLayout {
  const rowOf = new Map(steps.map((step, row) => [step.name, row]));
  const providers = steps.map((step, row) =>
    step.upstream
      .map(name => rowOf.get(name))
      .filter((provider): provider is number => provider !== undefined && provider < row)
  );
  const lanes: ILane[] = [];
  for (let start = 0; start < steps.length; start++) {
    const consumers = new Set<number>();
    providers.forEach((from, row) => {
      if (row > start + 1 && from.includes(start)) {
        consumers.add(row);
      }
    });
    if (consumers.size > 0) {
      const taken = lanes.filter(other => other.end >= start).map(other => other.lane);
      let lane = 1;
      while (taken.includes(lane)) {
        lane++;
      }
      lanes.push({ lane, start, end: Math.max(...consumers), consumers });
    }
  }
  const rows = steps.map((_, row) => ({
    fromAbove: providers[row].includes(row - 1),
    toBelow: row + 1 < steps.length && providers[row + 1].includes(row),
    through: lanes.filter(each => each.start < row && row < each.end).map(each => each.lane),
    starts: lanes.find(each => each.start === row)?.lane ?? null,
    arrives: lanes.filter(each => each.consumers.has(row)).map(each => each.lane),
    ends: lanes.filter(each => each.end === row).map(each => each.lane)
  }));
  return { rows, lanes: Math.max(1, ...lanes.map(each => each.lane + 1)) };
}
