import js from '@eslint/js';
import globals from 'globals';

// Run in the repository's root: patterns begin there.
const PAGE = 'src/koe/adapters/http/page';

export default [
  { ignores: [`${PAGE}/vendor/**`] },
  js.configs.recommended,
  {
    files: [`${PAGE}/**/*.js`],
    languageOptions: { ecmaVersion: 'latest', sourceType: 'module', globals: globals.browser },
    rules: {
      'max-lines': ['error', 200],
      'max-lines-per-function': ['error', 60],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
      'object-shorthand': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: [`${PAGE}/audio/*worklet.js`],
    languageOptions: { globals: globals.audioWorklet },
  },
  { files: ['tools/*.js', 'tools/*.mjs'], languageOptions: { globals: globals.node } },
];
