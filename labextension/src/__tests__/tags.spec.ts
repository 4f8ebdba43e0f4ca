import { nullTranslator } from '@jupyterlab/translation';

import { isTagged, stepNames, tagHelp, tagRole } from '../tags';

describe('tags', () => {
  it('know what each tag says, ours and Kale’s', () => {
    expect(tagRole('step:train')).toBe('step');
    expect(tagRole('prev:load')).toBe('after');
    expect(tagRole('pipeline-metrics')).toBe('metrics');
    expect(tagRole('step:')).toBe('other');
    expect(tagRole('remove-cell')).toBe('other');
  });

  it('tell a notebook with tags of ours from one without', () => {
    expect(isTagged(['remove-cell', 'serve'])).toBe(true);
    expect(isTagged(['remove-cell'])).toBe(false);
    expect(isTagged([])).toBe(false);
  });

  it('name each step once, in order', () => {
    const cells = [{ tags: ['step:b'] }, { tags: ['step:a', 'metrics'] }, { tags: ['step:b'] }];
    expect(stepNames(cells)).toEqual(['b', 'a']);
  });

  it('are all explained', () => {
    const trans = nullTranslator.load('jupyter_mlops');
    for (const { tag, help } of tagHelp(trans)) {
      expect(tagRole(tag)).not.toBe('other');
      expect(help).not.toBe('');
    }
  });
});
