import { ServerConnection } from '@jupyterlab/services';

import { MlopsApi, MlopsApiError, NoServerError } from '../api';

interface IAnswer {
  readonly status?: number;
  readonly body: string;
}

/** An api whose network is a function of the request. */
function api(answer: (url: string, init: RequestInit) => IAnswer): {
  api: MlopsApi;
  asked: [string, RequestInit][];
} {
  const asked: [string, RequestInit][] = [];
  class FakeRequest {
    constructor(
      readonly url: string,
      readonly init: RequestInit
    ) {}
    headers = { has: () => true, append: () => undefined };
  }
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://host/base/',
    Request: FakeRequest as unknown as typeof Request,
    fetch: ((request: FakeRequest) => {
      asked.push([request.url, request.init]);
      const { status = 200, body } = answer(request.url, request.init);
      return Promise.resolve({
        ok: status < 400,
        status,
        statusText: '',
        json: () => Promise.resolve().then(() => JSON.parse(body) as unknown)
      });
    }) as unknown as typeof fetch
  });
  return { api: new MlopsApi(settings), asked };
}

describe('MlopsApi', () => {
  it('asks below the base URL and returns the message', async () => {
    const { api: one, asked } = api(() => ({ body: '{"version": "1", "engine": false}' }));
    expect(await one.status()).toEqual({ version: '1', engine: false });
    expect(asked[0][0]).toMatch(/^http:\/\/host\/base\/jupyter-mlops\/api\/status/);
    expect(asked[0][1].method).toBe('GET');
  });

  it('sends bodies as JSON and escapes what goes into an address', async () => {
    const { api: one, asked } = api(() => ({ body: '{}' }));
    await one.pipeline('a b.ipynb', { cells: [] });
    await one.promotions('a&b.ipynb');
    await one.cancelPromotion('x/y');
    expect(asked[0][1].body).toBe('{"path":"a b.ipynb","content":{"cells":[]}}');
    expect(asked[1][0]).toContain('path=a%26b.ipynb');
    expect(asked[2][0]).toContain('x%2Fy');
    expect(asked[2][1].method).toBe('DELETE');
  });

  it('raises what the server says is wrong', async () => {
    const detail = { code: 'notebook.empty', message: 'No code.', hint: 'Write.', place: null };
    const { api: one } = api(() => ({ status: 422, body: JSON.stringify(detail) }));
    await expect(one.pipeline('a.ipynb', {})).rejects.toMatchObject({ status: 422, detail });
    await expect(one.pipeline('a.ipynb', {})).rejects.toBeInstanceOf(MlopsApiError);
  });

  it('tells that nobody of ours answers', async () => {
    for (const body of ['<html>404</html>', '{"message": "Not Found"}']) {
      const { api: one } = api(() => ({ status: 404, body }));
      await expect(one.status()).rejects.toBeInstanceOf(NoServerError);
    }
    const { api: one } = api(() => {
      throw new TypeError('Failed to fetch');
    });
    await expect(one.status()).rejects.toBeInstanceOf(NoServerError);
  });
});
