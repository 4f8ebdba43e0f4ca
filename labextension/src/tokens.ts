import type { PartialJSONObject } from '@lumino/coreutils';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type {
  ErrorMessage,
  PipelineView,
  PromotionView,
  StatusView,
  SuggestedTagView,
  SweepFormView,
  SweepPlanView,
  SweepSummaryView,
  SweepView
} from './messages';

/** The id of the main plugin and of its settings. */
export const PLUGIN_ID = 'jupyter-mlops:plugin';

/** The id of the panel in the left area. */
export const PANEL_ID = 'jupyter-mlops-panel';

/** One action, one id. */
export namespace CommandIDs {
  export const promote = 'jupyter-mlops:promote';
  export const cancel = 'jupyter-mlops:cancel-promotion';
  export const sweep = 'jupyter-mlops:sweep';
  export const stopSweep = 'jupyter-mlops:stop-sweep';
  export const show = 'jupyter-mlops:show-panel';
}

/** A cell as the panel lists it; positions count from 1. */
export interface ICellState {
  readonly id: string;
  readonly position: number;
  readonly kind: 'code' | 'markdown' | 'raw';
  readonly tags: readonly string[];
  /** Those of the tags that only the cell's first line declares: they change with the code. */
  readonly declared: readonly string[];
  readonly firstLine: string;
}

/** Where to go: a cell by id, or by position where the id is not known, and a line in it. */
export interface ICellPlace {
  readonly cell_id: string | null;
  readonly cell: number | null;
  readonly line: number | null;
}

/** An open notebook, as far as the panel needs it. */
export interface INotebookSource extends IDisposable {
  /** The path of the contents API, without a drive's name. */
  readonly path: string;
  readonly name: string;
  readonly dirty: boolean;
  readonly readOnly: boolean;
  readonly activeCellId: string | null;
  readonly cells: readonly ICellState[];
  /** Emitted when cells, tags or the name changed. */
  readonly changed: ISignal<INotebookSource, void>;
  /** Emitted when another cell became active or the notebook was saved. */
  readonly moved: ISignal<INotebookSource, void>;
  /** The notebook as nbformat JSON, without outputs. */
  content(): PartialJSONObject;
  save(): Promise<void>;
  goTo(place: ICellPlace): Promise<void>;
  addTag(cellId: string, tag: string): void;
  removeTag(cellId: string, tag: string): void;
}

/** Tags that the server suggests for the cells that have none. */
export interface ISuggestions {
  /** What was suggested for the notebook as it is; null if nobody asked, or it was edited. */
  readonly tags: readonly SuggestedTagView[] | null;
  readonly error: ErrorMessage | null;
  readonly asking: boolean;
  /** Emitted when any of the above changed. */
  readonly changed: ISignal<ISuggestions, void>;
  ask(source: INotebookSource): Promise<void>;
  /** Set the tags in the open notebook; it is not saved. */
  apply(source: INotebookSource): void;
  drop(): void;
}

/** What the form of a sweep says: words for each parameter, and numbers as they are typed. */
export interface ISweepDraft {
  readonly parameters: { readonly [name: string]: string };
  readonly metric: string;
  readonly workers: string;
  readonly random: string;
}

/** The sweeps of the active notebook, wherever they were started, and the form for a new one. */
export interface ISweeps {
  /** The newest first. */
  readonly known: readonly SweepSummaryView[];
  /** The one that is looked at: the newest, unless another was chosen. */
  readonly shown: SweepView | null;
  readonly running: SweepSummaryView | null;
  readonly error: ErrorMessage | null;
  /** The parameters of the saved notebook; null until the form was opened. */
  readonly form: SweepFormView | null;
  readonly isFormOpen: boolean;
  readonly draft: ISweepDraft;
  /** What the draft would be; null while nobody knows. */
  readonly plan: SweepPlanView | null;
  readonly doing: 'starting' | 'stopping' | null;
  /** Emitted when any of the above changed. */
  readonly changed: ISignal<ISweeps, void>;
  show(name: string): Promise<void>;
  openForm(): Promise<void>;
  closeForm(): void;
  reloadForm(): Promise<void>;
  edit(changes: Partial<ISweepDraft>): void;
  start(source: INotebookSource): Promise<boolean>;
  stop(): Promise<void>;
  notebook(name: string, point: number | null): Promise<string | null>;
  setVisible(isVisible: boolean): void;
}

/** What the panel shows, and what it can do. */
export interface IMlopsModel extends IDisposable {
  /** `unknown` until the server was asked. */
  readonly server: 'unknown' | 'there' | 'absent';
  readonly status: StatusView | null;
  readonly source: INotebookSource | null;
  /** What the notebook means; the last one that compiled, if `error` is set. */
  readonly pipeline: PipelineView | null;
  /** Why the notebook, as it is in the editor, does not compile. */
  readonly error: ErrorMessage | null;
  readonly compiling: boolean;
  readonly suggestions: ISuggestions;
  readonly sweeps: ISweeps;
  /** The newest promotion of the notebook. */
  readonly promotion: PromotionView | null;
  /** Emitted when any of the above changed. */
  readonly changed: ISignal<IMlopsModel, void>;
  /** Emitted with each news of any promotion that was started here. */
  readonly promotionChanged: ISignal<IMlopsModel, PromotionView>;
  /** Ask the server whether it is there. */
  connect(): Promise<void>;
  setSource(source: INotebookSource | null): void;
  promotionOf(path: string): PromotionView | null;
  /** Start a promotion of a saved notebook; rejects with `MlopsApiError`. */
  promote(path: string): Promise<PromotionView>;
  cancel(id: string): Promise<void>;
}

/** The sidebar's model, for other extensions. */
export const IMlopsModel = new Token<IMlopsModel>(
  'jupyter-mlops:IMlopsModel',
  'The active notebook as a pipeline, and its promotions.'
);
