import { type Clock, isRealtimeError, type MultiplexedRequest } from '@trpc-sse/protocol'
import type { Backend } from '../backend.ts'
import type { MultiplexedStream } from './multiplexed-stream.ts'
import { createRelay } from './relay.ts'

/** The multiplexed streams of a link, and the way to those of other instances. */
export interface Multiplexer {
  /** Makes a stream known for control requests, until it ends; returns its connection id. */
  add(stream: MultiplexedStream, key: string): string
  /** Replaces the set of the stream that a control request names, wherever it is. */
  control(request: ControlRequest): Promise<ControlAnswer>
}

/** A control request, with the connection key of whoever sends it. */
export interface ControlRequest {
  readonly connectionId: string
  readonly key: string
  readonly set: MultiplexedRequest
}

/** What became of a control request. */
export type ControlAnswer =
  | { readonly type: 'applied'; readonly revision: number }
  | { readonly type: 'invalid'; readonly message: string }
  /** There is no such stream, or not for this key, or nobody answers: all the same to who asks. */
  | { readonly type: 'unknown' }

interface HeldStream {
  readonly stream: MultiplexedStream
  readonly key: string
}

const unknown: ControlAnswer = { type: 'unknown' }

/** Creates the multiplexer of a link. Without a backend it knows its own streams only. */
export function createMultiplexer(backend: Backend | undefined, clock: Clock): Multiplexer {
  const instance = randomText(8)
  const streams = new Map<string, HeldStream>()
  const relay =
    backend &&
    createRelay({
      backend,
      instance,
      clock,
      answer: (question) => apply(question as ControlRequest, 'elsewhere'),
    })

  function apply({ connectionId, key, set }: ControlRequest, from: 'here' | 'elsewhere'): ControlAnswer {
    const held = streams.get(connectionId)
    if (held === undefined || held.key !== key) return unknown
    try {
      held.stream.replace(set, from)
      return { type: 'applied', revision: held.stream.revision }
    } catch (error) {
      if (!isRealtimeError(error)) throw error
      return { type: 'invalid', message: error.message }
    }
  }

  return {
    add(stream, key) {
      // Started in the background: until it listens, control from elsewhere isn't answered, and clients reopen.
      void relay?.listen()
      const connectionId = `${instance}.${randomText(16)}`
      streams.set(connectionId, { stream, key })
      stream.onClose = () => void streams.delete(connectionId)
      return connectionId
    },
    async control(request) {
      const [holder = ''] = request.connectionId.split('.', 1)
      if (holder === instance) return apply(request, 'here')
      if (relay === undefined || !/^[\da-f]{16}$/.test(holder)) return unknown
      return ((await relay.ask(holder, request)) as ControlAnswer | undefined) ?? unknown
    },
  }
}

/** So many random bytes, as hexadecimal text that nobody can guess. */
function randomText(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
