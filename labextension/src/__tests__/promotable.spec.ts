import { nullTranslator } from '@jupyterlab/translation';

import { reasonNotToPromote } from '../promotable';
import type { IMlopsModel } from '../tokens';
import { FakeSource, cell, promotion } from './support';

const trans = nullTranslator.load('jupyter_mlops');
const PATH = 'flights.ipynb';

function reason(changes: Partial<IMlopsModel>, path: string | null = PATH): string | null {
  const model = {
    server: 'there',
    source: new FakeSource(PATH),
    error: null,
    promotionOf: () => null,
    ...changes
  };
  return reasonNotToPromote(model as unknown as IMlopsModel, path, trans);
}

describe('reasonNotToPromote', () => {
  it('is none for a tagged notebook that compiles', () => {
    expect(reason({})).toBeNull();
  });

  it('names what stands in the way', () => {
    const untagged = new FakeSource(PATH);
    untagged.cells = [cell('a', 1, ['remove-cell'])];
    const error = { code: 'x', message: 'a cycle', hint: '', place: null };
    expect(reason({ server: 'absent' })).toMatch(/server/);
    expect(reason({}, null)).toMatch(/No notebook/);
    expect(reason({ promotionOf: () => promotion() })).toMatch(/being promoted/);
    expect(reason({ source: untagged })).toMatch(/Tag/);
    expect(reason({ error })).toMatch(/a cycle/);
  });

  it('leaves the judgement of other notebooks to promotion', () => {
    expect(reason({ source: null }, 'other.ipynb')).toBeNull();
  });
});
