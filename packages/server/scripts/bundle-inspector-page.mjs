// Bundles the inspector's page into one module with one string, src/inspector/page-text.ts. The
// file is committed, because tests and the workspace run the sources without a build. A test fails
// if it isn't up to date.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = new URL('../inspector-page/', import.meta.url)
const target = new URL('../src/inspector/page-text.ts', import.meta.url)

/** Returns the text of the module. */
export async function bundlePage() {
  const script = await bundle('main.ts')
  const styles = await bundle('styles.css')
  const html = readFileSync(new URL('index.html', folder), 'utf8')
    .replaceAll(/\n\s*/g, '')
    .replace('/*STYLES*/', () => styles.trim())
    // The end of a script element would end the script, also within a string.
    .replace('/*SCRIPT*/', () => script.trim().replaceAll('</script', '<\\/script'))
  const note = '// Made by scripts/bundle-inspector-page.mjs from inspector-page. Do not edit.'
  return `${note}\n\n/** The inspector's page. */\nexport const page: string = ${JSON.stringify(html)}\n`
}

async function bundle(file) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, folder))],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
    logLevel: 'error',
  })
  return outputFiles[0].text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await bundlePage())
