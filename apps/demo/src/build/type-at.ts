// This code needs one pinned version of TypeScript. A test compares its answer with `tsc`'s own.

import { join } from 'node:path'
import { API, NodeBuilderFlags } from 'typescript/unstable/async'

/** Asks the compiler for the type that an editor shows at a place in a file, on several lines. */
export async function typeAt(root: string, file: string, offset: number): Promise<string> {
  const api = new API({ cwd: root })
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] })
    const checker = snapshot.getProjects()[0]?.checker
    const type = await checker?.getTypeAtPosition(join(root, file), offset)
    if (!checker || !type) throw new Error(`The compiler finds no type at ${file}:${offset}.`)
    const flags = NodeBuilderFlags.NoTruncation | NodeBuilderFlags.MultilineObjectLiterals
    const text = await checker.typeToString(type, undefined, flags)
    // The compiler infers these types if an import can't be resolved.
    if (text === 'any' || text === 'unknown')
      throw new Error(`The type at ${file}:${offset} is ${text}. See the errors of pnpm typecheck.`)
    return text
  } finally {
    await api.close()
  }
}
