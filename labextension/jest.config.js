const tsconfig = {
  module: 'commonjs',
  moduleResolution: 'node10',
  esModuleInterop: true,
  allowJs: true,
  isolatedModules: true,
  jsx: 'react',
  target: 'ES2022'
};

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/src/__tests__/*.spec.ts'],
  setupFiles: ['<rootDir>/src/__tests__/setup.js'],
  transform: { '\\.[jt]sx?$': ['ts-jest', { tsconfig }] },
  // of the packages that the tested modules import, only this one is published as ES modules
  transformIgnorePatterns: ['/node_modules/(?!@jupyterlab/translation/)']
};
