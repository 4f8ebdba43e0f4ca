import type { EventView } from '../messages';
import { latest, stages } from '../progress';
import { promotion } from './support';

function event(
  stage: string,
  status: EventView['status'],
  message: string,
  at: number,
  seconds: number | null = null
): EventView {
  return { stage, status, message, at, seconds, data: {} };
}

const EVENTS = [
  event('compile', 'notice', 'cell 3 is in no step', 0.2),
  event('compile', 'done', 'pipeline flights: load → train', 0.3, 0.3),
  event('notebook', 'started', 'running flights.ipynb', 0.3),
  event('notebook', 'notice', 'cell 4', 1)
];

describe('stages', () => {
  it('joins events into stages, in order', () => {
    const [compile, notebook] = stages(promotion({ seconds: 5, events: EVENTS }));
    expect(compile).toEqual({
      name: 'compile',
      state: 'done',
      message: 'pipeline flights: load → train',
      seconds: 0.3,
      notices: ['cell 3 is in no step']
    });
    expect(notebook.state).toBe('running');
    expect(notebook.seconds).toBeCloseTo(4.7);
    expect(notebook.notices).toEqual(['cell 4']);
  });

  it('says which stage failed or was cancelled', () => {
    for (const status of ['failed', 'cancelled'] as const) {
      const found = stages(promotion({ status, seconds: 5, events: EVENTS }));
      expect(found.map(stage => stage.state)).toEqual(['done', status]);
    }
  });

  it('shows a stage of mere notices without a clock, the first as its message', () => {
    const events = [event('gates', 'notice', 'mae holds', 1), event('gates', 'notice', 'r2', 2)];
    const [gates] = stages(promotion({ events }));
    expect(gates).toMatchObject({ state: 'noted', message: 'mae holds', notices: ['r2'] });
    expect(gates.seconds).toBeNull();
  });

  it('is empty before the first event', () => {
    expect(stages(promotion())).toEqual([]);
    expect(latest(promotion())).toBeNull();
  });
});

describe('latest', () => {
  it('names what runs, or what ended last', () => {
    expect(latest(promotion({ events: EVENTS }))).toBe('running flights.ipynb');
    expect(latest(promotion({ events: EVENTS.slice(0, 2) }))).toContain('load → train');
  });
});
