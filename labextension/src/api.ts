import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { PartialJSONObject } from '@lumino/coreutils';

import type {
  ErrorMessage,
  PipelineView,
  PromotionAccepted,
  PromotionsView,
  PromotionView,
  StatusView,
  SuggestionsView,
  SweepFormView,
  SweepOpenedView,
  SweepOpenRequest,
  SweepPlanView,
  SweepRequest,
  SweepsView,
  SweepView
} from './messages';

/** The server answered that something is wrong, and says what. */
export class MlopsApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: ErrorMessage
  ) {
    super(detail.message);
    this.name = 'MlopsApiError';
  }
}

/** Nobody answers, or not our server extension. */
export class NoServerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoServerError';
  }
}

/** The REST interface under `jupyter-mlops/api/`. */
export class MlopsApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  status(): Promise<StatusView> {
    return this._request<StatusView>('GET', 'status');
  }

  /** Compile a notebook as it is in the editor. */
  pipeline(path: string, content: PartialJSONObject): Promise<PipelineView> {
    return this._request<PipelineView>('POST', 'pipeline', { path, content });
  }

  /** Suggest tags for a notebook as it is in the editor. */
  suggestions(path: string, content: PartialJSONObject): Promise<SuggestionsView> {
    return this._request<SuggestionsView>('POST', 'suggestions', { path, content });
  }

  startPromotion(path: string): Promise<PromotionAccepted> {
    return this._request<PromotionAccepted>('POST', 'promotions', { path });
  }

  promotion(id: string): Promise<PromotionView> {
    return this._request<PromotionView>('GET', `promotions/${encodeURIComponent(id)}`);
  }

  promotions(path: string): Promise<PromotionsView> {
    return this._request<PromotionsView>('GET', `promotions?path=${encodeURIComponent(path)}`);
  }

  cancelPromotion(id: string): Promise<PromotionView> {
    return this._request<PromotionView>('DELETE', `promotions/${encodeURIComponent(id)}`);
  }

  /** The sweeps of a notebook, wherever they were started. */
  sweeps(path: string): Promise<SweepsView> {
    return this._request<SweepsView>('GET', `sweeps?path=${encodeURIComponent(path)}`);
  }

  sweep(name: string, path: string): Promise<SweepView> {
    return this._request<SweepView>('GET', sweepAddress(name, path));
  }

  /** What can be swept in a saved notebook. */
  sweepForm(path: string): Promise<SweepFormView> {
    return this._request<SweepFormView>('GET', `sweeps/form?path=${encodeURIComponent(path)}`);
  }

  /** What a sweep would be, or what is wrong with it. */
  sweepPlan(request: SweepRequest): Promise<SweepPlanView> {
    return this._request<SweepPlanView>('POST', 'sweeps/plan', request);
  }

  startSweep(request: SweepRequest): Promise<SweepView> {
    return this._request<SweepView>('POST', 'sweeps', request);
  }

  stopSweep(name: string, path: string): Promise<SweepView> {
    return this._request<SweepView>('DELETE', sweepAddress(name, path));
  }

  /** Put a sweep's summary, or a point's executed notebook, where it can be opened. */
  openSweep(name: string, request: SweepOpenRequest): Promise<SweepOpenedView> {
    const address = `sweeps/run/${encodeURIComponent(name)}/open`;
    return this._request<SweepOpenedView>('POST', address, request);
  }

  private async _request<T>(method: string, endpoint: string, body?: object): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, 'jupyter-mlops/api', endpoint);
    const init: RequestInit = { method };
    if (body) {
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      throw new NoServerError(error instanceof Error ? error.message : String(error));
    }
    const data: unknown = await response.json().catch(() => null);
    if (response.ok && data !== null) {
      return data as T;
    }
    if (isErrorMessage(data)) {
      throw new MlopsApiError(response.status, data);
    }
    throw new NoServerError(`${response.status} ${response.statusText}`.trim());
  }
}

function sweepAddress(name: string, path: string): string {
  return `sweeps/run/${encodeURIComponent(name)}?path=${encodeURIComponent(path)}`;
}

function isErrorMessage(data: unknown): data is ErrorMessage {
  return (
    typeof data === 'object' &&
    data !== null &&
    typeof (data as ErrorMessage).code === 'string' &&
    typeof (data as ErrorMessage).message === 'string'
  );
}
