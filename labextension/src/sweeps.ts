import { Debouncer, Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MlopsApi } from './api';
import { MlopsApiError } from './api';
import type {
  ErrorMessage,
  SweepFormView,
  SweepPlanView,
  SweepRequest,
  SweepSummaryView,
  SweepView
} from './messages';
import type { INotebookSource, ISweepDraft, ISweeps } from './tokens';

/** Milliseconds between two looks where no sweep runs: one may be started in a terminal. */
const QUIET = 5000;

const EMPTY: ISweepDraft = { parameters: {}, metric: '', workers: '', random: '' };

/** The sweeps of the active notebook, and the form that starts one. */
export class Sweeps implements ISweeps {
  constructor(private readonly _options: Sweeps.IOptions) {
    this._busy = _options.interval ?? 1000;
    this._planSoon = new Debouncer(() => this._ask(), _options.debounce ?? 300);
    this._poll = new Poll({
      name: 'jupyter-mlops:sweeps',
      auto: false,
      factory: () => this.refresh(),
      frequency: { interval: this._busy, backoff: true, max: 30000 },
      standby: 'when-hidden'
    });
  }

  known: readonly SweepSummaryView[] = [];
  shown: SweepView | null = null;
  error: ErrorMessage | null = null;
  form: SweepFormView | null = null;
  isFormOpen = false;
  draft: ISweepDraft = EMPTY;
  plan: SweepPlanView | null = null;
  doing: ISweeps['doing'] = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get running(): SweepSummaryView | null {
    return this.known.find(each => each.status === 'running') ?? null;
  }

  get isPolling(): boolean {
    return this._isVisible && this._path !== null;
  }

  dispose(): void {
    this._path = null;
    this._poll.dispose();
    this._planSoon.dispose();
    Signal.clearData(this);
  }

  /** Turn to another notebook, or to none. */
  follow(path: string | null): void {
    if (path === this._path) {
      return;
    }
    this._path = path;
    this.known = [];
    this.shown = null;
    this.error = null;
    this.form = null;
    this.isFormOpen = false;
    this.draft = EMPTY;
    this.plan = null;
    this._chosen = null;
    this._emit();
    this._look();
  }

  /** Look only while the panel is seen. */
  setVisible(isVisible: boolean): void {
    if (isVisible !== this._isVisible) {
      this._isVisible = isVisible;
      this._look();
    }
  }

  async refresh(): Promise<void> {
    const path = this._path;
    if (path === null) {
      return;
    }
    try {
      const { sweeps } = await this._options.api.sweeps(path);
      if (path !== this._path) {
        return;
      }
      this.known = sweeps;
      const name = sweeps.find(each => each.name === this._chosen)?.name ?? sweeps[0]?.name;
      const about = sweeps.find(each => each.name === name);
      if (!about) {
        this.shown = null;
      } else if (about.status === 'running' || !isSame(about, this.shown)) {
        this._take(await this._options.api.sweep(about.name, path), path);
      }
      if (path === this._path) {
        this.error = null;
      }
    } catch (reason) {
      this._fail(reason, path);
      if (!(reason instanceof MlopsApiError)) {
        throw reason; // the poll waits longer, then asks again
      }
    } finally {
      const interval = this.running ? this._busy : Math.max(QUIET, this._busy);
      if (!this._poll.isDisposed && interval !== this._poll.frequency.interval) {
        this._poll.frequency = { ...this._poll.frequency, interval };
      }
      this._emit();
    }
  }

  async show(name: string): Promise<void> {
    this._chosen = name;
    await this.refresh();
  }

  async openForm(): Promise<void> {
    this.isFormOpen = true;
    this._emit();
    await this.reloadForm();
  }

  closeForm(): void {
    this.isFormOpen = false;
    this._emit();
  }

  /** Read the parameters of the saved file. */
  async reloadForm(): Promise<void> {
    const path = this._path;
    if (path === null || !this.isFormOpen) {
      return;
    }
    try {
      const form = await this._options.api.sweepForm(path);
      if (path === this._path) {
        this.form = form;
        this.error = null;
      }
    } catch (reason) {
      this._fail(reason, path);
    }
    this._emit();
    void this._planSoon.invoke();
  }

  edit(changes: Partial<ISweepDraft>): void {
    this.draft = { ...this.draft, ...changes };
    this.plan = null;
    this._emit();
    void this._planSoon.invoke();
  }

  /** Save the notebook if need be, and start what the form says; false where it is refused. */
  async start(source: INotebookSource): Promise<boolean> {
    const request = this._request();
    if (!request || this.doing) {
      return false;
    }
    this.doing = 'starting';
    this._emit();
    let isStarted = false;
    try {
      if (source.dirty && !source.readOnly) {
        // what runs is the file, so the editor's changes must be in it
        await source.save();
      }
      const view = await this._options.api.startSweep(request);
      this._chosen = view.name;
      this._take(view, request.path);
      this.isFormOpen = false;
      this.error = null;
      isStarted = true;
    } catch (reason) {
      this._fail(reason, request.path);
    }
    this.doing = null;
    this._emit();
    if (isStarted) {
      this._look();
    }
    return isStarted;
  }

  async stop(): Promise<void> {
    const path = this._path;
    const running = this.running;
    if (path === null || !running || this.doing) {
      return;
    }
    this.doing = 'stopping';
    this._emit();
    try {
      this._take(await this._options.api.stopSweep(running.name, path), path);
    } catch (reason) {
      this._fail(reason, path);
    }
    this.doing = null;
    await this.refresh().catch(() => undefined);
  }

  /** Return the path of a sweep's summary, or of a point's executed notebook; null on an error. */
  async notebook(name: string, point: number | null): Promise<string | null> {
    const path = this._path;
    if (path === null) {
      return null;
    }
    try {
      return (await this._options.api.openSweep(name, { path, point })).path;
    } catch (reason) {
      this._fail(reason, path);
      this._emit();
      return null;
    }
  }

  private _request(): SweepRequest | null {
    if (this._path === null) {
      return null;
    }
    const { parameters, metric, workers, random } = this.draft;
    const given = Object.entries(parameters).filter(([, words]) => words.trim());
    return {
      path: this._path,
      parameters: Object.fromEntries(given),
      metric: metric.trim(),
      highest: null,
      workers: count(workers),
      random: count(random)
    };
  }

  private async _ask(): Promise<void> {
    const request = this._request();
    if (!request || !this.isFormOpen) {
      return;
    }
    const asked = ++this._asked;
    try {
      const plan = await this._options.api.sweepPlan(request);
      if (asked === this._asked) {
        this.plan = plan;
      }
    } catch (reason) {
      if (asked === this._asked) {
        this._fail(reason, request.path);
      }
    }
    this._emit();
  }

  private _take(view: SweepView, path: string): void {
    if (path !== this._path) {
      return;
    }
    this.shown = view;
    const others = this.known.filter(each => each.name !== view.name);
    this.known = [...others, view].sort((one, other) => other.started - one.started);
  }

  private _look(): void {
    if (this._poll.isDisposed) {
      return;
    }
    if (this.isPolling) {
      void this._poll.refresh();
    } else {
      void this._poll.stop();
    }
  }

  private _fail(reason: unknown, path: string): void {
    if (path === this._path) {
      const message = reason instanceof Error ? reason.message : String(reason);
      this.error =
        reason instanceof MlopsApiError
          ? reason.detail
          : { code: 'server.absent', message, hint: '', place: null };
    }
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _busy: number;
  private readonly _planSoon: Debouncer;
  private readonly _poll: Poll;
  private _path: string | null = null;
  private _chosen: string | null = null;
  private _isVisible = false;
  private _asked = 0;
}

export namespace Sweeps {
  export interface IOptions {
    readonly api: Pick<
      MlopsApi,
      'sweeps' | 'sweep' | 'sweepForm' | 'sweepPlan' | 'startSweep' | 'stopSweep' | 'openSweep'
    >;
    /** Milliseconds of quiet after an edit of the form before it is checked. */
    readonly debounce?: number;
    /** Milliseconds between two looks at a running sweep. */
    readonly interval?: number;
  }
}

/** Return what a field for a number says; null where it is empty or none. */
function count(text: string): number | null {
  const number = Number.parseInt(text, 10);
  return Number.isFinite(number) && number > 0 ? number : null;
}

function isSame(about: SweepSummaryView, shown: SweepView | null): boolean {
  return shown?.name === about.name && shown.status === about.status && shown.done === about.done;
}
