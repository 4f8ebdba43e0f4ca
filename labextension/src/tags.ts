import type { TranslationBundle } from '@jupyterlab/translation';

/** What a tag says of its cell; `other` tags are not ours. */
export type TagRole =
  | 'imports'
  | 'functions'
  | 'parameters'
  | 'step'
  | 'after'
  | 'metrics'
  | 'test'
  | 'serve'
  | 'skip'
  | 'other';

const ROLES: Record<string, TagRole> = {
  imports: 'imports',
  functions: 'functions',
  parameters: 'parameters',
  'pipeline-parameters': 'parameters',
  metrics: 'metrics',
  'pipeline-metrics': 'metrics',
  test: 'test',
  serve: 'serve',
  skip: 'skip'
};
const PREFIXES: [string, TagRole][] = [
  ['step:', 'step'],
  ['after:', 'after'],
  ['prev:', 'after']
];

/** Return what a tag says. */
export function tagRole(tag: string): TagRole {
  const prefix = PREFIXES.find(([start]) => tag.startsWith(start) && tag.length > start.length);
  return prefix?.[1] ?? ROLES[tag] ?? 'other';
}

/** Return whether any of these tags is one of ours. */
export function isTagged(tags: readonly string[]): boolean {
  return tags.some(tag => tagRole(tag) !== 'other');
}

/** Return the names of the steps that these cells' tags name, in order. */
export function stepNames(cells: readonly { readonly tags: readonly string[] }[]): string[] {
  const tags = cells.flatMap(cell => cell.tags).filter(tag => tagRole(tag) === 'step');
  return [...new Set(tags.map(tag => tag.slice('step:'.length)))];
}

/** A tag that may be given, with its meaning. */
export interface ITagHelp {
  readonly tag: string;
  readonly help: string;
}

/** Return the tags that promotion understands. */
export function tagHelp(trans: TranslationBundle): ITagHelp[] {
  return [
    { tag: 'imports', help: trans.__('imports that every step needs') },
    { tag: 'functions', help: trans.__('functions and classes that steps use') },
    { tag: 'parameters', help: trans.__('plain assignments that a run may change') },
    { tag: 'step:NAME', help: trans.__('the cells of one step of the pipeline') },
    { tag: 'after:NAME', help: trans.__('run after that step, even without its data') },
    { tag: 'metrics', help: trans.__('the numbers that judge the model') },
    { tag: 'test', help: trans.__('checks that stay in the notebook') },
    { tag: 'serve', help: trans.__('how the endpoint answers a request') },
    { tag: 'skip', help: trans.__('leave this cell out') }
  ];
}
