import type { SweepRowView, SweepView } from './messages';

/** Metrics that have a column, beside the one that decides. */
const MORE_METRICS = 2;

/** One column of a sweep's table. */
export interface IColumn {
  readonly name: string;
  readonly value: (row: SweepRowView) => unknown;
}

/** Return the columns: the metric that decides, the swept parameters, then some other metrics. */
export function columnsOf(sweep: SweepView): IColumn[] {
  const names = new Set(sweep.rows.flatMap(row => Object.keys(row.metrics)));
  names.delete(sweep.metric);
  const others = [...names]
    .filter(name => !sweep.swept.includes(name))
    .sort()
    .slice(0, MORE_METRICS);
  const metric = (name: string): IColumn => ({ name, value: row => row.metrics[name] });
  const parameter = (name: string): IColumn => ({ name, value: row => row.parameters[name] });
  return [
    ...(sweep.metric ? [metric(sweep.metric)] : []),
    ...sweep.swept.map(parameter),
    ...others.map(metric)
  ];
}

/** Return rows by a column; those without a value are last. */
export function sort(
  rows: readonly SweepRowView[],
  { value }: IColumn,
  falling: boolean
): SweepRowView[] {
  const there = rows.filter(row => value(row) !== null && value(row) !== undefined);
  const rest = rows.filter(row => !there.includes(row));
  const compare = (one: unknown, other: unknown): number =>
    typeof one === 'number' && typeof other === 'number'
      ? one - other
      : shown(one).localeCompare(shown(other));
  there.sort((one, other) => compare(value(one), value(other)) * (falling ? -1 : 1));
  return [...there, ...rest];
}

/** Return a number as people read it. */
export function shortNumber(value: number | null | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : '';
}

/** Return a parameter or a metric as the table shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'number') {
    return shortNumber(value);
  }
  return value === null || value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}
