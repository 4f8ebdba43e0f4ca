import { declaredTags } from '../declared';

// The compiler's own reading is tried on the same cells.
import cases from './declared.json';

describe('tags declared by a first line', () => {
  it.each(cases)('are read as the compiler reads them: $source', ({ source, tags }) => {
    expect(declaredTags(source)).toEqual(tags);
  });
});
