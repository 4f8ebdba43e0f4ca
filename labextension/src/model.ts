import { Debouncer, Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MlopsApi } from './api';
import { MlopsApiError, NoServerError } from './api';
import type { ErrorMessage, PipelineView, PromotionView, StatusView } from './messages';
import { Suggestions } from './suggestions';
import { Sweeps } from './sweeps';
import type { IMlopsModel, INotebookSource } from './tokens';

/** The active notebook as a pipeline, and its promotions. */
export class MlopsModel implements IMlopsModel {
  constructor(options: MlopsModel.IOptions) {
    this._api = options.api;
    this.suggestions = new Suggestions(options.api);
    this.sweeps = new Sweeps(options);
    this._compileSoon = new Debouncer(() => this._compile(), options.debounce ?? 400);
    this._poll = new Poll({
      name: 'jupyter-mlops:promotions',
      auto: false,
      factory: () => this._follow(),
      frequency: { interval: options.interval ?? 1000, backoff: true, max: 15000 },
      standby: 'when-hidden'
    });
  }

  readonly suggestions: Suggestions;
  readonly sweeps: Sweeps;
  server: IMlopsModel['server'] = 'unknown';
  status: StatusView | null = null;
  source: INotebookSource | null = null;
  pipeline: PipelineView | null = null;
  error: ErrorMessage | null = null;
  compiling = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get promotionChanged(): ISignal<this, PromotionView> {
    return this._promotionChanged;
  }

  get promotion(): PromotionView | null {
    return this.source ? this.promotionOf(this.source.path) : null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.sweeps.dispose();
    this._poll.dispose();
    this._compileSoon.dispose();
    this.source?.dispose();
    Signal.clearData(this);
  }

  async connect(): Promise<void> {
    try {
      this.status = await this._api.status();
      this.server = 'there';
    } catch (error) {
      this.status = null;
      this.server = 'absent';
      if (!(error instanceof NoServerError)) {
        console.warn('jupyter-mlops: the server refuses', error);
      }
    }
    this._emit();
    this._followSweeps();
    if (this.server === 'there' && this.source) {
      await Promise.all([this._compile(), this._recall(this.source.path)]);
    }
  }

  /** Show another notebook; the model disposes of the former one. */
  setSource(source: INotebookSource | null): void {
    if (source === this.source) {
      return;
    }
    this.source?.dispose();
    this.source = source;
    this.pipeline = null;
    this.error = null;
    this._sent = '';
    this._asked++;
    this.compiling = false;
    this.suggestions.drop();
    this._followSweeps();
    if (source) {
      source.changed.connect(this._onSourceChanged, this);
      source.moved.connect(this._onMoved, this);
      if (this.server === 'there') {
        void this._compile();
        void this._recall(source.path);
      }
    }
    this._emit();
  }

  promotionOf(path: string): PromotionView | null {
    return this._promotions.get(path) ?? null;
  }

  async promote(path: string): Promise<PromotionView> {
    const { id } = await this._api.startPromotion(path);
    const promotion = await this._api.promotion(id);
    this._take(promotion);
    void this._poll.start();
    return promotion;
  }

  async cancel(id: string): Promise<void> {
    this._take(await this._api.cancelPromotion(id));
  }

  private _onSourceChanged(): void {
    this.suggestions.follow(this.source);
    this._followSweeps(); // it may have been renamed
    this._emit();
    if (this.server === 'there') {
      void this._compileSoon.invoke();
    } else if (this.server === 'absent') {
      void this.connect();
    }
  }

  private _onMoved(): void {
    const dirty = this.source?.dirty ?? false;
    if (this._wasDirty && !dirty) {
      void this.sweeps.reloadForm(); // it shows the parameters of the file
    }
    this._wasDirty = dirty;
    this._emit();
  }

  private _followSweeps(): void {
    this.sweeps.follow(this.server === 'there' ? (this.source?.path ?? null) : null);
  }

  private async _compile(): Promise<void> {
    const source = this.source;
    if (!source || this._isDisposed) {
      return;
    }
    const content = source.content();
    const sent = JSON.stringify([source.path, content]);
    if (sent === this._sent) {
      return;
    }
    this._sent = sent;
    const asked = ++this._asked;
    this.compiling = true;
    this._emit();
    let pipeline: PipelineView | null = null;
    let error: ErrorMessage | null = null;
    try {
      pipeline = await this._api.pipeline(source.path, content);
    } catch (reason) {
      if (reason instanceof MlopsApiError) {
        error = reason.detail;
      } else if (asked === this._asked) {
        this.server = 'absent';
      }
    }
    if (asked !== this._asked || this._isDisposed) {
      return;
    }
    this.compiling = false;
    if (this.server === 'absent') {
      this._sent = '';
    } else {
      this.error = error;
      this.pipeline = pipeline ?? this.pipeline;
    }
    this._emit();
  }

  /** Find the promotion of a notebook that was started before this page was loaded. */
  private async _recall(path: string): Promise<void> {
    try {
      const [newest] = (await this._api.promotions(path)).promotions;
      if (newest && newest.id !== this.promotionOf(path)?.id) {
        this._promotions.set(path, newest);
        this._emit();
        if (newest.status === 'running') {
          this._promotionChanged.emit(newest);
          void this._poll.start();
        }
      }
    } catch (error) {
      console.warn('jupyter-mlops: promotions cannot be listed', error);
    }
  }

  private _running(): PromotionView[] {
    return [...this._promotions.values()].filter(each => each.status === 'running');
  }

  private async _follow(): Promise<void> {
    for (const promotion of this._running()) {
      try {
        this._take(await this._api.promotion(promotion.id));
      } catch (error) {
        if (!(error instanceof MlopsApiError) || error.status !== 404) {
          throw error; // the poll waits longer, then asks again
        }
        this._take({ ...promotion, status: 'failed', error: error.detail });
      }
    }
    if (this._running().length === 0) {
      void this._poll.stop();
    }
  }

  private _take(promotion: PromotionView): void {
    if (this._isDisposed) {
      return;
    }
    this._promotions.set(promotion.path, promotion);
    this._promotionChanged.emit(promotion);
    this._emit();
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _api: MlopsModel.IOptions['api'];
  private readonly _changed = new Signal<this, void>(this);
  private readonly _promotionChanged = new Signal<this, PromotionView>(this);
  private readonly _promotions = new Map<string, PromotionView>();
  private readonly _compileSoon: Debouncer;
  private readonly _poll: Poll;
  private _sent = '';
  private _asked = 0;
  private _wasDirty = false;
  private _isDisposed = false;
}

export namespace MlopsModel {
  export interface IOptions {
    readonly api: Sweeps.IOptions['api'] &
      Pick<
        MlopsApi,
        | 'status'
        | 'pipeline'
        | 'suggestions'
        | 'startPromotion'
        | 'promotion'
        | 'promotions'
        | 'cancelPromotion'
      >;
    /** Milliseconds of quiet after an edit before it is compiled. */
    readonly debounce?: number;
    /** Milliseconds between two looks at a running promotion. */
    readonly interval?: number;
  }
}
