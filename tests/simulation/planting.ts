import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../support/pages.ts'
import type { BatchOptions, BatchResult } from './batch.ts'
import { type Plant, plants } from './plants.ts'

const folders = [join(root, 'packages'), join(root, 'tests')]

/**
 * Runs seeds on packages with a planted bug: copies of their modules, whose addresses name the bug.
 * Throws if the place of the bug is not in the source any more.
 */
export async function runPlanted(plant: Plant, options: BatchOptions): Promise<BatchResult> {
  planted.clear()
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
    const isOurs = resolved.url.startsWith('file:') && isInFolders(fileURLToPath(resolved.url))
    if (name === null || !isOurs || plantOf(resolved.url) !== null) return resolved
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

function isInFolders(path: string): boolean {
  return folders.some((folder) => path.startsWith(folder)) && !path.includes('node_modules')
}
