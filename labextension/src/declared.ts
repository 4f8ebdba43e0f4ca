const LINE = /^%%mlops(?=\s|$)(.*)/;
const AROUND = /^%%(?:capture|memit|prun|time)(?=\s|$)/;
const ROLES = ['parameters', 'imports', 'functions', 'metrics', 'test', 'serve', 'skip'];
const NOT_TAGS = ['note'];

/**
 * Return the tags that a cell's first line declares, such as `%%mlops step train`.
 *
 * None where the line cannot be read: the compiler says what is wrong with it.
 */
export function declaredTags(source: string): string[] {
  const words = declaration(source);
  if (words.length === 0 || NOT_TAGS.includes(words[0])) {
    return [];
  }
  const found = new Set<string>();
  while (words.length) {
    const word = words.shift()!;
    const given = word.startsWith('--after=') ? word.slice('--after='.length) : null;
    if (word === 'step' || word === '--after' || given) {
      const name = given || words.shift();
      if (!name || name.startsWith('-')) {
        return [];
      }
      found.add(`${word === 'step' ? 'step' : 'after'}:${name}`);
    } else if (ROLES.includes(word)) {
      found.add(word);
    } else {
      return [];
    }
  }
  return [...found];
}

function declaration(source: string): string[] {
  for (const line of source.split('\n')) {
    const found = LINE.exec(line);
    if (found) {
      return found[1].split(/\s+/).filter(word => word);
    }
    if (line.trim() && !AROUND.test(line)) {
      break;
    }
  }
  return [];
}
