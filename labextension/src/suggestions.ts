import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MlopsApi } from './api';
import { MlopsApiError } from './api';
import type { ErrorMessage, SuggestedTagView } from './messages';
import type { INotebookSource, ISuggestions } from './tokens';

/** Tags that the server suggests for a notebook, until they are applied or it is edited. */
export class Suggestions implements ISuggestions {
  constructor(private readonly _api: Pick<MlopsApi, 'suggestions'>) {}

  tags: readonly SuggestedTagView[] | null = null;
  error: ErrorMessage | null = null;
  asking = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  async ask(source: INotebookSource): Promise<void> {
    const content = source.content();
    const asked = (this._about = about(source));
    this.tags = null;
    this.error = null;
    this.asking = true;
    this._changed.emit();
    try {
      const { tags } = await this._api.suggestions(source.path, content);
      if (asked === this._about) {
        this.tags = tags;
      }
    } catch (reason) {
      if (asked === this._about) {
        this.error = reason instanceof MlopsApiError ? reason.detail : noAnswer(reason);
      }
    }
    if (asked === this._about) {
      this.asking = false;
      this._changed.emit();
    }
  }

  apply(source: INotebookSource): void {
    const tags = this.tags ?? [];
    // first: what follows are edits, which would drop them
    this.drop();
    for (const { cell, tag } of tags) {
      if (cell.cell_id !== null) {
        source.addTag(cell.cell_id, tag);
      }
    }
  }

  drop(): void {
    if (this._about) {
      this._about = '';
      this.tags = null;
      this.error = null;
      this.asking = false;
      this._changed.emit();
    }
  }

  /** Drop what was suggested for other cells than there are now. */
  follow(source: INotebookSource | null): void {
    if (this._about && (!source || about(source) !== this._about)) {
      this.drop();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _about = '';
}

function about(source: INotebookSource): string {
  // not its metadata: a kernel that comes up writes its name there
  return JSON.stringify([source.path, source.content().cells]);
}

function noAnswer(reason: unknown): ErrorMessage {
  const message = reason instanceof Error ? reason.message : String(reason);
  return { code: 'server.absent', message, hint: '', place: null };
}
