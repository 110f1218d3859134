import { registerHooks } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../support/pages.ts'
import type { BatchOptions, BatchResult } from './batch.ts'
import type { Plant } from './plants/plant.ts'
import { plants } from './plants/plants.ts'

/** The packages that have a bug of a package in them: itself, and those that import it. */
const users: Readonly<Record<string, readonly string[]>> = {
  protocol: ['protocol', 'server', 'redis', 'client'],
  server: ['server', 'redis'],
  redis: ['redis'],
  client: ['client'],
}

/**
 * Runs seeds on packages with a planted bug: copies of their modules, whose addresses name the bug.
 * Throws if the place of the bug is not in the source any more.
 */
export async function runPlanted(plant: Plant, options: BatchOptions): Promise<BatchResult> {
  const batch = (await import(`./batch.ts?plant=${plant.name}`)) as typeof import('./batch.ts')
  if (!planted.has(plant.name))
    throw new Error(`${plant.file} was not loaded, so that ${plant.name} was not planted.`)
  return await batch.runSeeds(options)
}

/** The bugs that were put in while modules were loaded. */
const planted = new Set<string>()

registerHooks({
  /** A module that is imported by a planted copy is a copy for the same bug. */
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    const name = plantOf(context.parentURL)
    const plant = plants.find((one) => one.name === name)
    const isFile = resolved.url.startsWith('file:') && plantOf(resolved.url) === null
    if (!plant || !isFile || !isAffected(fileURLToPath(resolved.url), plant)) return resolved
    return { ...resolved, url: `${resolved.url}?plant=${name}` }
  },
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const plant = plants.find(({ name }) => name === plantOf(url))
    if (!plant || fileURLToPath(url) !== join(root, 'packages', plant.file)) return loaded
    planted.add(plant.name)
    return { ...loaded, source: put(plant, String(loaded.source)) }
  },
})

function put({ name, file, find, replace }: Plant, source: string): string {
  const parts = source.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(
    `${file} has ${parts.length - 1} times what ${name} replaces. Adapt plants.ts to the source:\n${find}`,
  )
}

function plantOf(url: string | undefined): string | null {
  return url?.startsWith('file:') ? new URL(url).searchParams.get('plant') : null
}

/** Whether a module must be a copy: it imports the one with the bug, or it is that. */
function isAffected(path: string, { file }: Plant): boolean {
  const [top, name = ''] = relative(root, path).split(sep)
  // The simulator itself is copied: it imports all packages.
  if (top === 'tests') return name === 'simulation'
  return top === 'packages' && (users[file.split('/')[0] ?? '']?.includes(name) ?? false)
}
