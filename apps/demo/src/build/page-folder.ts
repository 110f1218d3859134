import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const builds = join(root, 'dist')
/**
 * The source files of the page. It shows a type from the server, so the server's files count, too.
 */
const sources = [
  'index.html',
  'package.json',
  'vite.config.ts',
  'src',
  '../../packages/client/src',
  '../../packages/devtools/src',
  '../../packages/protocol/src',
  '../../packages/server/src',
]

/** Returns the folder of the built page. Builds the page first if its sources changed. */
export async function pageFolder(): Promise<string> {
  const folder = join(builds, await fingerprint())
  if (!existsSync(folder)) await buildInto(folder)
  return folder
}

/** Builds in a temporary folder and renames it, so that no server sees half of a page. */
async function buildInto(folder: string): Promise<void> {
  const { build } = await import('vite')
  await mkdir(builds, { recursive: true })
  const work = await mkdtemp(join(builds, 'build-'))
  try {
    await build({ root, logLevel: 'warn', build: { outDir: work, emptyOutDir: true } })
    await rename(work, folder)
  } catch (error) {
    await rm(work, { recursive: true, force: true })
    // Another server has built it meanwhile.
    if (!existsSync(folder)) throw error
  }
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const path of await filesBelow(join(root, source)))
      hash.update(path).update(await readFile(path))
  }
  return `page-${hash.digest('hex').slice(0, 16)}`
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  )
  if (entries === undefined) return [path]
  return entries
    .filter((entry) => entry.isFile() && !entry.name.includes('.test'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
