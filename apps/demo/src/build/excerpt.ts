import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A part of a source file. */
export interface Excerpt {
  /** Its path below the root, with slashes. */
  readonly file: string
  /** The number of its first line in the file, from 1. */
  readonly firstLine: number
  /** Where it starts in the file, in characters. */
  readonly offset: number
  /** Its lines as they are in the file. */
  readonly source: string
}

/**
 * Cuts a named region out of a source file: the lines from `#region <name>` to the next
 * `#endregion`. Throws if the file does not have exactly one such region.
 */
export async function readExcerpt(root: string, file: string, name: string): Promise<Excerpt> {
  const text = await readFile(join(root, file), 'utf8')
  const region = new RegExp(`^ *// #region ${name}\\n([\\s\\S]*?)\\n *// #endregion$`, 'gm')
  const [found, ...others] = text.matchAll(region)
  const source = found?.[1]
  if (found === undefined || source === undefined || others.length > 0) {
    throw new Error(`${file} must have one region "${name}". Put // #region ${name} around it.`)
  }
  const offset = found.index + found[0].indexOf('\n') + 1
  const firstLine = text.slice(0, offset).split('\n').length
  return { file, firstLine, offset, source }
}

/** Removes the indentation that all lines share. */
export function dedent(source: string): string {
  const lines = source.split('\n')
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const shared = Math.min(...indents)
  return lines.map((line) => line.slice(shared)).join('\n')
}
