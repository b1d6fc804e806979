// Copies the page's one library, Lit, from node_modules into the page: its own modules as they are, but for the names
// by which they import each other, which a browser can't look up. `--check` only compares.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, 'node_modules');
const target = join(here, '../src/koe/adapters/http/page/vendor/lit');

/** By package: its modules. Each has a twin with its types, which is for the checks alone. */
const WANTED = {
  lit: ['index'],
  'lit-element': ['lit-element'],
  'lit-html': ['lit-html', 'is-server', 'directive', 'directive-helpers', 'async-directive',
    ...['repeat', 'live', 'ref', 'class-map', 'if-defined'].map((name) => `directives/${name}`)],
  '@lit/reactive-element': ['reactive-element', 'css-tag', 'reactive-controller'],
};

/** What stands in an import, and where that lies in the page. */
const PLACES = {
  lit: 'index.js',
  'lit-html': 'lit-html.js',
  '@lit/reactive-element': 'reactive-element.js',
  'lit-element/lit-element.js': 'lit-element.js',
  'lit-html/is-server.js': 'is-server.js',
};

/** @param {string} source @param {string} place */
function adapted(source, place) {
  const renamed = source.replaceAll(/((?:from|import)\s*)(["'])([^"'.][^"']*)\2/g, (whole, word, quote, name) => {
    const found = PLACES[name] ?? PLACES[name.replace(/^lit-html\//, '')];
    if (found === undefined) return whole;
    const path = posix.relative(posix.dirname(place), found);
    return `${word}${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`;
  });
  return renamed.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n');
}

const files = new Map();
for (const [name, listed] of Object.entries(WANTED)) {
  for (const module of listed) {
    for (const place of [`${module}.js`, `${module}.d.ts`]) {
      const path = join(modules, name, place);
      if (existsSync(path)) files.set(place, adapted(readFileSync(path, 'utf8'), place));
    }
  }
}
const { version } = JSON.parse(readFileSync(join(modules, 'lit/package.json'), 'utf8'));
files.set('LICENSE', readFileSync(join(modules, 'lit/LICENSE'), 'utf8'));
files.set('VERSION', `lit ${version}\n`);

if (process.argv.includes('--check')) {
  const other = [...files].filter(([place, text]) => {
    const path = join(target, place);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  if (other.length > 0) {
    console.error(`vendor/lit isn't lit ${version} (${other.map(([place]) => place).join(', ')}): run script/vendor`);
    process.exit(1);
  }
} else {
  rmSync(target, { recursive: true, force: true });
  for (const [place, text] of files) {
    mkdirSync(dirname(join(target, place)), { recursive: true });
    writeFileSync(join(target, place), text);
  }
  console.log(`${relative(process.cwd(), target)}: lit ${version}, ${files.size} files`);
}
