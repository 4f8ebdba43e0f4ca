import { Signal } from '@lumino/signaling';

import type { PipelineView, PromotionView, StepView, SuggestedTagView } from '../messages';
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

/** Let timers and promises of at most this many milliseconds pass. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
