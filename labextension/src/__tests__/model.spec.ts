import { MlopsApiError, NoServerError } from '../api';
import type { ErrorMessage, PipelineView, PromotionView, SuggestionsView } from '../messages';
import { MlopsModel } from '../model';
import { FakeSource, FakeSweepsApi, cell, pass, pipeline, promotion, suggested } from './support';

const WRONG: ErrorMessage = { code: 'x', message: 'wrong', hint: '', place: null };
const DEBOUNCE = 20;

/** The server's part, with answers that a test may replace. */
class FakeApi extends FakeSweepsApi {
  compiled: string[] = [];
  known: PromotionView[] = [];

  status = jest.fn(() => Promise.resolve({ version: '1', engine: false }));
  pipeline = jest.fn((path: string, content: object): Promise<PipelineView> => {
    this.compiled.push(JSON.stringify(content));
    return Promise.resolve(pipeline(path));
  });
  suggestions = jest.fn((path: string): Promise<SuggestionsView> =>
    Promise.resolve({ notebook: path, tags: [suggested('b', 2, 'step:train')] })
  );
  promotions = jest.fn((path: string) =>
    Promise.resolve({ promotions: this.known.filter(each => each.path === path) })
  );
  startPromotion = jest.fn((path: string) => {
    this.known.unshift(promotion({ path }));
    return Promise.resolve({ id: 'p1' });
  });
  promotion = jest.fn((id: string): Promise<PromotionView> => {
    const found = this.known.find(each => each.id === id);
    return found ? Promise.resolve(found) : Promise.reject(new MlopsApiError(404, WRONG));
  });
  cancelPromotion = jest.fn((id: string) => {
    this.known = this.known.map(each =>
      each.id === id ? { ...each, status: 'cancelled' as const } : each
    );
    return this.promotion(id);
  });
}

describe('MlopsModel', () => {
  let api: FakeApi;
  let model: MlopsModel;

  beforeEach(() => {
    api = new FakeApi();
    model = new MlopsModel({ api, debounce: DEBOUNCE, interval: 10 });
  });

  afterEach(() => model.dispose());

  async function open(path = 'flights.ipynb'): Promise<FakeSource> {
    const source = new FakeSource(path);
    await model.connect();
    model.setSource(source);
    await pass(5);
    return source;
  }

  it('knows nothing of the server until it has asked, then whether it is there', async () => {
    expect(model.server).toBe('unknown');
    api.status.mockRejectedValueOnce(new NoServerError('404'));
    await model.connect();
    expect(model.server).toBe('absent');
    await model.connect();
    expect(model.server).toBe('there');
  });

  it('compiles the notebook that comes to the front', async () => {
    await open();
    expect(model.pipeline?.name).toBe('flights.ipynb');
    expect(model.compiling).toBe(false);
  });

  it('compiles once after many edits, and not at all if nothing counts', async () => {
    const source = await open();
    for (const tag of ['x', 'y', 'z']) {
      source.addTag('b', tag);
    }
    await pass(DEBOUNCE * 3);
    expect(api.compiled).toHaveLength(2);
    expect(api.compiled[1]).toContain('"x","y","z"');
    source.changed.emit(); // an output, say
    await pass(DEBOUNCE * 3);
    expect(api.compiled).toHaveLength(2);
  });

  it('keeps the last pipeline beside an error', async () => {
    const source = await open();
    api.pipeline.mockRejectedValueOnce(new MlopsApiError(422, WRONG));
    source.cells = [cell('a', 1, [])];
    source.changed.emit();
    await pass(DEBOUNCE * 3);
    expect(model.error).toEqual(WRONG);
    expect(model.pipeline).not.toBeNull();
    source.cells = [];
    source.changed.emit();
    await pass(DEBOUNCE * 3);
    expect(model.error).toBeNull();
  });

  it('drops an answer that came after a newer question', async () => {
    await model.connect();
    let answer: (view: PipelineView) => void = () => undefined;
    api.pipeline.mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    model.setSource(new FakeSource('slow.ipynb'));
    model.setSource(new FakeSource('quick.ipynb'));
    await pass(5);
    answer(pipeline('slow.ipynb'));
    await pass(5);
    expect(model.pipeline?.name).toBe('quick.ipynb');
  });

  it('notices that the server went away and that it is back', async () => {
    const source = await open();
    api.pipeline.mockRejectedValueOnce(new NoServerError('gone'));
    source.addTag('b', 'x');
    await pass(DEBOUNCE * 3);
    expect(model.server).toBe('absent');
    source.addTag('b', 'y');
    await pass(DEBOUNCE * 3);
    expect(model.server).toBe('there');
    expect(api.compiled.at(-1)).toContain('"x","y"');
  });

  it('suggests tags, and sets them in the open notebook', async () => {
    const source = await open();
    await model.suggestions.ask(source);
    expect(model.suggestions.tags).toHaveLength(1);
    model.suggestions.apply(source);
    expect(source.cells[1].tags).toEqual(['step:train']);
    expect(model.suggestions.tags).toBeNull();
  });

  it('drops suggestions for a notebook that was edited or left', async () => {
    const source = await open();
    await model.suggestions.ask(source);
    source.changed.emit(); // an output, say
    expect(model.suggestions.tags).toHaveLength(1);
    source.addTag('b', 'x');
    expect(model.suggestions.tags).toBeNull();
    const asked = model.suggestions.ask(source);
    model.setSource(new FakeSource('other.ipynb'));
    await asked;
    expect(model.suggestions.tags).toBeNull();
    expect(model.suggestions.asking).toBe(false);
  });

  it('tells why nothing can be suggested', async () => {
    const source = await open();
    api.suggestions.mockRejectedValueOnce(new MlopsApiError(422, WRONG));
    await model.suggestions.ask(source);
    expect(model.suggestions.error).toEqual(WRONG);
    await model.suggestions.ask(source);
    expect(model.suggestions.error).toBeNull();
  });

  it('forgets a notebook that is closed', async () => {
    const source = await open();
    model.setSource(null);
    expect(source.isDisposed).toBe(true);
    expect(model.pipeline).toBeNull();
    expect(model.promotion).toBeNull();
  });

  it('follows a promotion to its end and then asks no more', async () => {
    await open();
    const told: string[] = [];
    model.promotionChanged.connect((_, { status }) => told.push(status));
    await model.promote('flights.ipynb');
    expect(model.promotion?.status).toBe('running');
    await pass(40);
    api.known = [promotion({ status: 'done' })];
    await pass(60);
    expect(model.promotion?.status).toBe('done');
    expect(told.filter(status => status === 'done')).toHaveLength(1);
    const asked = api.promotion.mock.calls.length;
    await pass(60);
    expect(api.promotion.mock.calls).toHaveLength(asked);
  });

  it('says that a promotion is lost when the server was restarted', async () => {
    await open();
    await model.promote('flights.ipynb');
    api.known = [];
    await pass(60);
    expect(model.promotion).toMatchObject({ status: 'failed', error: WRONG });
  });

  it('finds a promotion that was started before the page was loaded', async () => {
    api.known = [promotion({ id: 'old' })];
    await open();
    expect(model.promotion?.id).toBe('old');
    api.known = [promotion({ id: 'old', status: 'done' })];
    await pass(60);
    expect(model.promotion?.status).toBe('done');
  });

  it('cancels', async () => {
    await open();
    await model.promote('flights.ipynb');
    await model.cancel('p1');
    expect(model.promotion?.status).toBe('cancelled');
  });
});
