import { Signal } from '@lumino/signaling';

import type {
  PipelineView,
  PromotionView,
  StepView,
  SuggestedTagView,
  SweepFormView,
  SweepOpenedView,
  SweepOpenRequest,
  SweepPlanView,
  SweepRequest,
  SweepView
} from '../messages';
import type { ICellPlace, ICellState, INotebookSource } from '../tokens';

/** A notebook that lives in the test. */
export class FakeSource implements INotebookSource {
  constructor(readonly path: string) {}

  dirty = false;
  readOnly = false;
  isDisposed = false;
  activeCellId: string | null = null;
  cells: ICellState[] = [cell('a', 1, ['step:load']), cell('b', 2, [])];
  went: ICellPlace[] = [];
  readonly changed = new Signal<this, void>(this);
  readonly moved = new Signal<this, void>(this);

  get name(): string {
    return this.path.split('/').at(-1) ?? '';
  }

  content(): { cells: { id: string; tags: string[] }[] } {
    return { cells: this.cells.map(({ id, tags }) => ({ id, tags: [...tags] })) };
  }

  save(): Promise<void> {
    return Promise.resolve();
  }

  goTo(place: ICellPlace): Promise<void> {
    this.went.push(place);
    return Promise.resolve();
  }

  addTag(cellId: string, tag: string): void {
    this.cells = this.cells.map(each =>
      each.id === cellId ? { ...each, tags: [...each.tags, tag] } : each
    );
    this.changed.emit();
  }

  removeTag(cellId: string, tag: string): void {
    this.cells = this.cells.map(each =>
      each.id === cellId ? { ...each, tags: each.tags.filter(other => other !== tag) } : each
    );
    this.changed.emit();
  }

  dispose(): void {
    this.isDisposed = true;
    Signal.clearData(this);
  }
}

export function cell(id: string, position: number, tags: string[]): ICellState {
  return { id, position, kind: 'code', tags, declared: [], firstLine: `${id} = ${position}` };
}

export function step(name: string, upstream: string[] = []): StepView {
  return {
    name,
    cells: [],
    first: [],
    inputs: [],
    outputs: [],
    parameters: [],
    metrics: [],
    upstream
  };
}

export function pipeline(name: string): PipelineView {
  return {
    name,
    notebook: `${name}.ipynb`,
    cells: [],
    parameters: [],
    steps: [step('load')],
    serving: null,
    notices: []
  };
}

export function suggested(id: string, position: number, tag: string): SuggestedTagView {
  const place = { notebook: null, cell: position, cell_id: id, line: null };
  return { cell: place, tag, reason: 'makes `df`' };
}

export function promotion(changes: Partial<PromotionView> = {}): PromotionView {
  return {
    id: 'p1',
    path: 'flights.ipynb',
    status: 'running',
    seconds: 0,
    events: [],
    result: null,
    error: null,
    log: '',
    ...changes
  };
}

export function sweep(changes: Partial<SweepView> = {}): SweepView {
  return {
    name: 's1',
    kind: 'sweep',
    path: 'flights.ipynb',
    status: 'running',
    started: 100,
    done: 0,
    total: 4,
    failed: 0,
    metric: '',
    value: null,
    highest: true,
    swept: ['depth'],
    rows: [],
    hidden: 0,
    best: null,
    shared: 0,
    cells: 3,
    seconds: 0,
    left: null,
    summary: false,
    resume: 'jupyter mlops sweep flights.ipynb --resume s1',
    error: null,
    log: '',
    ...changes
  };
}

/** The server's part that is about sweeps. */
export class FakeSweepsApi {
  there: SweepView[] = [];

  sweeps = jest.fn((path: string) =>
    Promise.resolve({ sweeps: this.there.filter(each => each.path === path) })
  );
  sweep = jest.fn((name: string) =>
    Promise.resolve(this.there.find(each => each.name === name) ?? sweep({ name }))
  );
  sweepForm = jest.fn((path: string): Promise<SweepFormView> =>
    Promise.resolve({ path, parameters: [], cores: 2 })
  );
  sweepPlan = jest.fn<Promise<SweepPlanView>, [SweepRequest]>(() =>
    Promise.resolve({ points: 4, fields: {}, error: null })
  );
  startSweep = jest.fn((request: SweepRequest): Promise<SweepView> => {
    const started = sweep({ name: `s${this.there.length + 1}`, path: request.path });
    this.there.unshift(started);
    return Promise.resolve(started);
  });
  stopSweep = jest.fn((name: string): Promise<SweepView> => {
    this.change(name, { status: 'stopped' });
    return this.sweep(name);
  });
  openSweep = jest.fn<Promise<SweepOpenedView>, [string, SweepOpenRequest]>(name =>
    Promise.resolve({ path: `${name}.ipynb` })
  );

  change(name: string, changes: Partial<SweepView>): void {
    this.there = this.there.map(each => (each.name === name ? { ...each, ...changes } : each));
  }
}

/** Let timers and promises of at most this many milliseconds pass. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
