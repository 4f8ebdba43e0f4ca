import type { EventView } from '../messages';
import { latest, stages } from '../progress';
import { promotion } from './support';

function event(
  stage: string,
  status: EventView['status'],
  message: string,
  at: number,
  seconds: number | null = null,
  data: EventView['data'] = {}
): EventView {
  return { stage, status, message, at, seconds, data };
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
      subject: null,
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

  it('keeps steps that run side by side apart, and builds', () => {
    const events = [
      event('step', 'started', 'running a', 1, null, { step: 'a' }),
      event('step', 'started', 'running b', 1, null, { step: 'b' }),
      event('step', 'done', 'a is done', 3, 2, { step: 'a' }),
      event('build', 'started', 'building x', 4, null, { image: 'x' }),
      event('build', 'notice', 'Step 1/9', 5)
    ];
    const found = stages(promotion({ seconds: 6, events }));
    expect(found.map(({ subject, state, seconds }) => [subject, state, seconds])).toEqual([
      ['a', 'done', 2],
      ['b', 'running', 5],
      ['x', 'running', 2]
    ]);
    expect(found[2].notices).toEqual(['Step 1/9']);
  });

  it('counts from the first start, whatever the stage tells of its work', () => {
    const events = [
      event('run', 'started', 'as run r', 1),
      event('run', 'started', 'step load: cell 3', 4)
    ];
    const [run] = stages(promotion({ seconds: 6, events }));
    expect(run).toMatchObject({ message: 'step load: cell 3', seconds: 5 });
  });

  it('shows only the newest of many notices, and none afterwards', () => {
    const told = ['1', '2', '3', '4'].map(message => event('build', 'notice', message, 2));
    const events = [event('build', 'started', 'building', 1), ...told];
    expect(stages(promotion({ events }))[0].notices).toEqual(['4']);
    events.push(event('build', 'done', 'built', 9, 8));
    expect(stages(promotion({ events }))[0].notices).toEqual([]);
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
