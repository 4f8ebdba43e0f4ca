import type { ICellModel } from '@jupyterlab/cells';
import { CodeCell } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { declaredTags } from './declared';
import type { ICellPlace, ICellState, INotebookSource } from './tokens';

/** A notebook panel whose context is ready. */
export class NotebookSource implements INotebookSource {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _activate: (id: string) => void
  ) {
    const { context, content } = _panel;
    context.model.contentChanged.connect(this._onChanged, this);
    context.pathChanged.connect(this._onChanged, this);
    context.saveState.connect(this._onMoved, this);
    context.model.stateChanged.connect(this._onMoved, this);
    content.activeCellChanged.connect(this._onMoved, this);
    _panel.disposed.connect(this.dispose, this);
  }

  get path(): string {
    return this._panel.context.localPath;
  }

  get name(): string {
    return PathExt.basename(this.path);
  }

  get dirty(): boolean {
    return this._panel.context.model.dirty;
  }

  get readOnly(): boolean {
    return this._panel.context.model.readOnly;
  }

  get activeCellId(): string | null {
    return this._panel.content.activeCell?.model.id ?? null;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get moved(): ISignal<this, void> {
    return this._moved;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    Signal.clearData(this);
  }

  get cells(): readonly ICellState[] {
    return this._models().map((cell, index) => {
      const source = cell.sharedModel.getSource();
      const own = tagsOf(cell);
      const declared = cell.type === 'code' ? declaredTags(source) : [];
      const more = declared.filter(tag => !own.includes(tag));
      return {
        id: cell.id,
        position: index + 1,
        kind: cell.type === 'code' || cell.type === 'markdown' ? cell.type : 'raw',
        tags: [...own, ...more],
        declared: more,
        firstLine: firstLine(source, cell.type)
      };
    });
  }

  content(): PartialJSONObject {
    const metadata = this._panel.context.model.sharedModel.getMetadata();
    return {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {
        ...(metadata.kernelspec && { kernelspec: metadata.kernelspec as PartialJSONObject }),
        ...(metadata.language_info && {
          language_info: metadata.language_info as unknown as PartialJSONObject
        })
      },
      cells: this._models().map(cell => ({
        id: cell.id,
        cell_type: cell.type,
        metadata: { tags: tagsOf(cell) },
        source: cell.sharedModel.getSource(),
        ...(cell.type === 'code' && { execution_count: null, outputs: [] })
      }))
    };
  }

  save(): Promise<void> {
    return this._panel.context.save();
  }

  async goTo(place: ICellPlace): Promise<void> {
    const cells = this._models();
    let index = cells.findIndex(cell => cell.id === place.cell_id);
    if (index < 0 && place.cell !== null) {
      index = Math.min(place.cell, cells.length) - 1;
    }
    if (index < 0) {
      return;
    }
    const notebook = this._panel.content;
    this._activate(this._panel.id);
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'smart');
    const cell = notebook.widgets[index];
    if (place.line !== null && cell instanceof CodeCell) {
      await cell.ready;
      cell.editor?.setCursorPosition({ line: place.line - 1, column: 0 });
      cell.editor?.focus();
    } else {
      cell.node.focus();
    }
  }

  addTag(cellId: string, tag: string): void {
    const cell = this._models().find(each => each.id === cellId);
    if (cell && tag && !tagsOf(cell).includes(tag)) {
      cell.setMetadata('tags', [...tagsOf(cell), tag]);
    }
  }

  removeTag(cellId: string, tag: string): void {
    const cell = this._models().find(each => each.id === cellId);
    if (!cell) {
      return;
    }
    const rest = tagsOf(cell).filter(each => each !== tag);
    if (rest.length) {
      cell.setMetadata('tags', rest);
    } else {
      cell.deleteMetadata('tags');
    }
  }

  private _models(): ICellModel[] {
    return this._panel.isDisposed ? [] : [...this._panel.context.model.cells];
  }

  private _onChanged(): void {
    this._changed.emit();
  }

  private _onMoved(): void {
    this._moved.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _moved = new Signal<this, void>(this);
  private _isDisposed = false;
}

function tagsOf(cell: ICellModel): string[] {
  const tags: unknown = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}

function firstLine(source: string, kind: string): string {
  const line =
    source
      .split('\n')
      .find(each => each.trim())
      ?.trim() ?? '';
  return kind === 'markdown' ? line.replace(/^#+\s*/, '') : line;
}
