// Reads a JSON Schema on stdin, writes TypeScript on stdout.
import { readFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';
import prettier from 'prettier';

const schema = JSON.parse(readFileSync(0, 'utf8'));
const text = await compile(schema, 'Messages', {
  bannerComment:
    '// Generated from src/jupyter_mlops/models.py by scripts/generate_types.py; do not edit.',
  additionalProperties: false,
  format: false
});
const options = await prettier.resolveConfig('src/messages.ts');
process.stdout.write(await prettier.format(text, { ...options, parser: 'typescript' }));
