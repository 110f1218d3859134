import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A version of Node that the tests run on. */
export interface TestedNode {
  /** `node-24`, for example. */
  readonly name: string
  /** Without a `v`. */
  readonly version: string
  readonly major: number
  /** The program. */
  readonly path: string
}

const folder = resolve(import.meta.dirname, '../nodes')
const manifest: { devDependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(folder, 'package.json'), 'utf8'),
)

/**
 * The versions of Node that the packages are tested on, oldest first: those of
 * `tests/nodes/package.json`.
 */
export const testedNodes: readonly TestedNode[] = Object.entries(manifest.devDependencies)
  .map(([name, specifier]) => {
    const version = specifier.slice('npm:node@'.length)
    const major = Number.parseInt(version, 10)
    return { name, version, major, path: join(folder, 'node_modules', name, 'bin/node') }
  })
  .sort((a, b) => a.major - b.major)

/** The tested versions other than the one that the run itself uses. */
export const otherNodes: readonly TestedNode[] = testedNodes.filter(
  ({ major }) => major !== Number.parseInt(process.versions.node, 10),
)
