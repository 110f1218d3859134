// Gives properties that only this package uses short names in `dist`. An app's bundler shortens
// variables and private fields by itself, but must keep the names of properties. Short ones save
// every app 0.4 kB (docs/decisions/008). Source maps still show the source.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * These names are shortened wherever they name a property. So objects of the app, of tRPC, of other
 * packages or of the runtime must not have them, and neither must messages between tabs. The build
 * fails if it can detect that: if a name is in a published type, in a string that may name a
 * property, or in JavaScript's own objects.
 */
const names = `
  askedAtMs askedWaitMs atMs by closePrevious connection deliver differs dissolve
  doubt endpoint everOpen fail failures forget gaveUp handOver handedOver hasFailed
  hasPosition hasStarted held hurry inputJson isAt isBackingOff isFresh isInControl isSingle judge
  keyOf onElapsed onEnded onKnown onRefused onRetryAsked onSign onTimeout onUnknown
  options phase policy positioned positions progressed proven readErrorBody readOwnError receive
  remember requested retire retryAfterMs stopWhenAborted streamGaveUp suspended timedOut
  touch waitMs wanted wasReported watch wrongAnswers
`
  .trim()
  .split(/\s+/)

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const protocol = fileURLToPath(new URL('../../protocol/dist/', import.meta.url))
const scripts = filesIn(dist, '.js')
const code = textOf(scripts)
const types = textOf([
  ...reexportsOf(join(dist, 'index.d.ts')),
  ...reexportsOf(join(dist, 'tabs/index.d.ts')),
  ...filesIn(protocol, '.d.ts'),
])
const builtIn = namesOfRuntime()
for (const name of names) {
  const reason =
    (builtIn.has(name) && 'belongs to JavaScript') ||
    (new RegExp(`^\\s*(readonly )?${name}\\??[:(<]`, 'm').test(types) &&
      'is in a published type') ||
    (new RegExp(`(['"\`])${name}\\1`).test(code) && 'is also a string') ||
    (!new RegExp(`\\b${name}\\b`).test(code) && 'is no longer used')
  if (reason) throw new Error(`${name} ${reason}: take it off the list.`)
}

await build({
  entryPoints: scripts,
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  format: 'esm',
  target: 'es2023',
  sourcemap: true,
  mangleProps: new RegExp(`^(${names.join('|')})$`),
  // Every file gets the same names. In the source, no property has a name of one letter or with
  // `$`.
  mangleCache: Object.fromEntries(names.map((name, index) => [name, shortName(index)])),
})

function shortName(index) {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
  return letters[index] ?? `$${letters[index - letters.length]}`
}

function namesOfRuntime() {
  const objects = Object.getOwnPropertyNames(globalThis).map((name) => globalThis[name])
  const all = objects.flatMap((object) => [object, object?.prototype]).filter(Boolean)
  return new Set(all.flatMap((object) => Object.getOwnPropertyNames(object)))
}

function filesIn(folder, extension) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(extension))
    .map((file) => join(folder, file))
}

/** Returns the declaration files that an entry re-exports from. */
function reexportsOf(entry) {
  return [...textOf([entry]).matchAll(/ from '(\.[^']+)\.ts'/g)].map(([, path]) =>
    join(entry, '..', `${path}.d.ts`),
  )
}

function textOf(files) {
  return files.map((file) => readFileSync(file, 'utf8')).join('\n')
}
