import { RealtimeError } from '@trpc-sse/protocol'
import type * as node from './node/node.ts'

// The package's import `#node` resolves to this file if the condition `node` isn't set. A bundle
// for Workers, for example, then contains no code for Node.

/** Rejects: this build serves no requests of `node:http`. */
export const serveNode: typeof node.serveNode = () => Promise.reject(noNode('node'))

/** Rejects: this build serves no requests of `node:http`. */
export const isForStream: typeof node.isForStream = () => Promise.reject(noNode('isForStream'))

function noNode(method: string): RealtimeError {
  const message = `link.${method}() is not in this build, as it was resolved without the condition "node". Add that condition to your bundler's settings, or use link.fetch().`
  return new RealtimeError('INVALID_OPTION', message)
}
