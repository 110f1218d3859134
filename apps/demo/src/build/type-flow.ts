import { join } from 'node:path'
import type { Plugin } from 'vite'
import type { CodeExcerpt, TypeFlow } from '../page/type-flow/code.ts'
import { dedent, type Excerpt, readExcerpt } from './excerpt.ts'
import { highlight } from './highlight.ts'
import { typeAt } from './type-at.ts'

const moduleName = 'virtual:type-flow'
const resolvedName = `\0${moduleName}`
/** The expression whose type the card shows. */
const expression = 'event.data'

/**
 * Vite plugin: `virtual:type-flow` exports excerpts of the demo's own source, and the type that the
 * compiler infers for `event.data` in the last one. So the card that shows them is never stale.
 */
export function typeFlow(root: string): Plugin {
  // The compiler takes about as long as the bundler, so both start together.
  let first: Promise<TypeFlow> | undefined
  return {
    name: 'type-flow',
    buildStart() {
      first = readTypeFlow(root)
      // `load` throws the error. This only prevents an unhandled rejection.
      first.catch(() => {})
    },
    resolveId: (name) => (name === moduleName ? resolvedName : undefined),
    load: {
      filter: { id: new RegExp(`^${resolvedName}$`) },
      async handler() {
        for (const { file } of Object.values(regions)) this.addWatchFile(join(root, file))
        const typeFlow = await (first ?? readTypeFlow(root))
        first = undefined
        return `export const typeFlow = ${JSON.stringify(typeFlow)}`
      },
    },
  }
}

const regions = {
  channel: { file: 'src/server/channels.ts', name: 'channel' },
  procedure: { file: 'src/server/chat.ts', name: 'procedure' },
  component: { file: 'src/page/chat/chat-message.tsx', name: 'component' },
}

/** Reads the excerpts, and asks the compiler for the type. `root` is the demo's folder. */
export async function readTypeFlow(root: string): Promise<TypeFlow> {
  const read = ({ file, name }: (typeof regions)['channel']): Promise<Excerpt> =>
    readExcerpt(root, file, name)
  const [channel, procedure, component] = await Promise.all([
    read(regions.channel),
    read(regions.procedure),
    read(regions.component),
  ])
  const index = component.source.indexOf(expression)
  if (index < 0) throw new Error(`${component.file}: the excerpt has no ${expression}.`)
  const property = component.offset + index + expression.indexOf('.') + 1
  const type = await typeAt(root, component.file, property)
  return {
    channel: highlighted(channel),
    procedure: highlighted(procedure),
    component: highlighted(component),
    expression,
    type: { source: type, lines: highlight(type) },
  }
}

function highlighted({ file, firstLine, source }: Excerpt): CodeExcerpt {
  return { file, firstLine, lines: highlight(dedent(source)) }
}
