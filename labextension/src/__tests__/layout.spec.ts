import { layout } from '../layout';
import { step } from './support';

describe('layout', () => {
  it('draws a chain as one line', () => {
    const { rows, lanes } = layout([step('a'), step('b', ['a']), step('c', ['b'])]);
    expect(lanes).toBe(1);
    expect(rows.map(row => [row.fromAbove, row.toBelow])).toEqual([
      [false, true],
      [true, true],
      [true, false]
    ]);
    expect(rows.flatMap(row => [...row.through, ...row.arrives])).toEqual([]);
  });

  it('leads an edge past the steps between in a lane of its own', () => {
    const { rows, lanes } = layout([step('a'), step('b', ['a']), step('c', ['a', 'b'])]);
    expect(lanes).toBe(2);
    expect(rows[0].starts).toBe(1);
    expect(rows[1].through).toEqual([1]);
    expect(rows[2].arrives).toEqual([1]);
    expect(rows[2].ends).toEqual([1]);
  });

  it('lets all long edges of one step share a lane', () => {
    const steps = [step('a'), step('b'), step('c', ['a']), step('d', ['a'])];
    const { rows, lanes } = layout(steps);
    expect(lanes).toBe(2);
    expect(rows[2].arrives).toEqual([1]);
    expect(rows[2].ends).toEqual([]);
    expect(rows[3].ends).toEqual([1]);
    expect(rows[1].fromAbove).toBe(false);
  });

  it('gives edges that overlap different lanes, and reuses a lane that is free again', () => {
    const steps = [
      step('a'),
      step('b'),
      step('c', ['a']),
      step('d', ['b']),
      step('e'),
      step('f', ['d'])
    ];
    const { rows, lanes } = layout(steps);
    expect(lanes).toBe(3);
    expect([rows[0].starts, rows[1].starts, rows[3].starts]).toEqual([1, 2, 1]);
  });

  it('draws nothing for steps that it does not know, and no steps as one lane', () => {
    expect(layout([step('b', ['gone'])]).rows[0].fromAbove).toBe(false);
    expect(layout([])).toEqual({ rows: [], lanes: 1 });
  });

  it('draws every edge exactly once, whatever the graph', () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 200; round++) {
      const size = 1 + Math.floor(random() * 9);
      const names = Array.from({ length: size }, (_, index) => `s${index}`);
      const steps = names.map((name, row) =>
        step(
          name,
          names.slice(0, row).filter(() => random() < 0.4)
        )
      );
      const { rows, lanes } = layout(steps);
      const drawn: string[] = [];
      rows.forEach((row, index) => {
        if (row.fromAbove) {
          expect(rows[index - 1].toBelow).toBe(true);
          drawn.push(`s${index - 1}-s${index}`);
        }
        for (const lane of row.arrives) {
          const start = rows.slice(0, index).findLastIndex(other => other.starts === lane);
          drawn.push(`s${start}-s${index}`);
          for (const between of rows.slice(start + 1, index)) {
            expect(between.through).toContain(lane);
          }
        }
        const used = [...row.through, ...(row.starts === null ? [] : [row.starts])];
        expect(new Set(used).size).toBe(used.length);
        expect(Math.max(0, ...used)).toBeLessThan(lanes);
      });
      const edges = steps.flatMap(({ name, upstream }) => upstream.map(from => `${from}-${name}`));
      expect(drawn.sort()).toEqual(edges.sort());
    }
  });
});
