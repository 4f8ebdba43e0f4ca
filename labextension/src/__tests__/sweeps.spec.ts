import { MlopsApiError } from '../api';
import { columnsOf, shortNumber, sort } from '../sweeprows';
import type { ErrorMessage, SweepRowView } from '../messages';
import { Sweeps } from '../sweeps';
import { FakeSource, FakeSweepsApi, pass, sweep } from './support';

const WRONG: ErrorMessage = { code: 'x', message: 'wrong', hint: '', place: null };
const PATH = 'flights.ipynb';

describe('Sweeps', () => {
  let api: FakeSweepsApi;
  let sweeps: Sweeps;
  let source: FakeSource;

  beforeEach(() => {
    api = new FakeSweepsApi();
    sweeps = new Sweeps({ api, debounce: 5, interval: 10 });
    source = new FakeSource(PATH);
  });

  afterEach(() => sweeps.dispose());

  async function see(): Promise<void> {
    sweeps.follow(PATH);
    sweeps.setVisible(true);
    await pass(5);
  }

  it('looks only while it is seen', async () => {
    sweeps.follow(PATH);
    await pass(30);
    expect(api.sweeps).not.toHaveBeenCalled();
    api.there = [sweep()];
    sweeps.setVisible(true);
    await pass(60);
    expect(api.sweeps.mock.calls.length).toBeGreaterThan(2);
    sweeps.setVisible(false);
    await pass(20);
    const looked = api.sweeps.mock.calls.length;
    await pass(60);
    expect(api.sweeps.mock.calls.length).toBe(looked);
  });

  it('follows a sweep that was started elsewhere until it has ended', async () => {
    api.there = [sweep({ name: 'terminal' })];
    await see();
    expect(sweeps.running?.name).toBe('terminal');
    expect(sweeps.shown?.done).toBe(0);
    api.change('terminal', { done: 4, status: 'ok' });
    await pass(60);
    expect(sweeps.shown).toMatchObject({ done: 4, status: 'ok' });
    expect(sweeps.running).toBeNull();
    const asked = api.sweep.mock.calls.length;
    await sweeps.refresh();
    expect(api.sweep.mock.calls.length).toBe(asked); // what has not changed is not read again
  });

  it('checks what the form says, soon after the last change', async () => {
    await see();
    await sweeps.openForm();
    sweeps.edit({ parameters: { depth: '4,6', lr: ' ' } });
    sweeps.edit({ metric: ' auc ', workers: '3', random: 'many' });
    await pass(30);
    expect(api.sweepPlan).toHaveBeenLastCalledWith({
      path: PATH,
      parameters: { depth: '4,6' },
      metric: 'auc',
      highest: null,
      workers: 3,
      random: null
    });
    expect(sweeps.plan?.points).toBe(4);
  });

  it('shows the newest answer about the form, whichever comes last', async () => {
    await see();
    await sweeps.openForm();
    await pass(20);
    api.sweepPlan.mockImplementationOnce(() =>
      pass(60).then(() => ({ points: 1, fields: {}, error: null }))
    );
    sweeps.edit({ parameters: { depth: '1' } });
    await pass(20);
    sweeps.edit({ parameters: { depth: '1,2' } });
    await pass(100);
    expect(sweeps.plan?.points).toBe(4);
  });

  it('saves the notebook before it starts, and then shows the new sweep', async () => {
    const save = jest.spyOn(source, 'save');
    await see();
    await sweeps.openForm();
    source.dirty = true;
    expect(await sweeps.start(source)).toBe(true);
    expect(save).toHaveBeenCalledTimes(1);
    expect(sweeps.isFormOpen).toBe(false);
    expect(sweeps.shown?.name).toBe('s1');
    expect(sweeps.running?.name).toBe('s1');
  });

  it('tells why a sweep is refused, and keeps the form', async () => {
    await see();
    await sweeps.openForm();
    api.startSweep.mockRejectedValueOnce(new MlopsApiError(422, WRONG));
    expect(await sweeps.start(source)).toBe(false);
    expect(sweeps.error).toEqual(WRONG);
    expect(sweeps.isFormOpen).toBe(true);
    expect(sweeps.doing).toBeNull();
  });

  it('stops what runs', async () => {
    api.there = [sweep()];
    await see();
    await sweeps.stop();
    expect(api.stopSweep).toHaveBeenCalledWith('s1', PATH);
    expect(sweeps.running).toBeNull();
    expect(sweeps.shown?.status).toBe('stopped');
  });

  it('shows the sweep that was chosen', async () => {
    api.there = [sweep({ name: 'b', status: 'ok' }), sweep({ name: 'a', status: 'ok' })];
    await see();
    expect(sweeps.shown?.name).toBe('b');
    await sweeps.show('a');
    expect(sweeps.shown?.name).toBe('a');
  });

  it('forgets everything when another notebook comes to the front', async () => {
    api.there = [sweep()];
    await see();
    await sweeps.openForm();
    sweeps.edit({ metric: 'auc' });
    sweeps.follow('other.ipynb');
    await pass(20);
    expect(sweeps.known).toEqual([]);
    expect(sweeps.shown).toBeNull();
    expect(sweeps.isFormOpen).toBe(false);
    expect(sweeps.draft.metric).toBe('');
  });

  it('takes no answer about a notebook that is no longer in front', async () => {
    api.sweeps.mockImplementationOnce(() => pass(30).then(() => ({ sweeps: [sweep()] })));
    sweeps.follow(PATH);
    const asked = sweeps.refresh();
    sweeps.follow('other.ipynb');
    await asked;
    expect(sweeps.known).toEqual([]);
  });

  it('returns where a notebook can be opened, or tells why it cannot', async () => {
    await see();
    expect(await sweeps.notebook('s1', 3)).toBe('s1.ipynb');
    expect(api.openSweep).toHaveBeenCalledWith('s1', { path: PATH, point: 3 });
    api.openSweep.mockRejectedValueOnce(new MlopsApiError(404, WRONG));
    expect(await sweeps.notebook('s1', null)).toBeNull();
    expect(sweeps.error).toEqual(WRONG);
  });
});

describe('the table', () => {
  const row = (number: number, depth: number, auc: number | null): SweepRowView => ({
    number,
    parameters: { depth },
    status: 'ok',
    run: '',
    metrics: { auc, loss: 1, more: 2, most: 3 },
    seconds: 1,
    error: '',
    executed: true
  });

  it('has the metric that decides, the parameters and a few other metrics', () => {
    const shown = sweep({ metric: 'auc', rows: [row(1, 4, 0.5)] });
    expect(columnsOf(shown).map(each => each.name)).toEqual(['auc', 'depth', 'loss', 'more']);
  });

  it('is sorted by numbers, then words; what has no value is last either way', () => {
    const rows = [row(1, 10, 0.5), row(2, 9, null), row(3, 100, 0.7)];
    const [auc, depth] = columnsOf(sweep({ metric: 'auc', rows }));
    const numbers = (found: SweepRowView[]): number[] => found.map(each => each.number);
    expect(numbers(sort(rows, depth, false))).toEqual([2, 1, 3]);
    expect(numbers(sort(rows, auc, true))).toEqual([3, 1, 2]);
    expect(numbers(sort(rows, auc, false))).toEqual([1, 3, 2]);
  });

  it('shows numbers short', () => {
    expect([0.123456, 1e-7, 1200, null].map(shortNumber)).toEqual(['0.1235', '1e-7', '1200', '']);
  });
});
