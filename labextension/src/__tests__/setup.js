// jsdom lacks what @jupyterlab/services looks for when it is imported.
const { TextDecoder, TextEncoder } = require('util');
Object.assign(globalThis, { TextDecoder, TextEncoder });
for (const name of ['Request', 'Response', 'Headers', 'fetch']) {
  globalThis[name] ??= jest.fn();
}
