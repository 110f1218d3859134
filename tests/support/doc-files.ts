import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { filesOf, readPage, root } from './pages.ts'

/** The files of a documentation page, written to a folder from which they can be imported. */
export interface DocFiles extends Disposable {
  /** The path of a file. */
  path(name: string): string
}

/** Writes the code of a page into a separate folder, with the test's changes. */
export function writeDocFiles(
  page: string,
  test: string,
  change: (code: string, file: string) => string = (code) => code,
): DocFiles {
  const folder = join(root, `tests/.docs-${test}`)
  for (const [name, code] of filesOf(readPage(page))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), change(code, name))
  }
  return {
    path: (name) => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
