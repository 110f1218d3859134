import { type Clock, isRealtimeError } from '@trpc-sse/protocol'
import type { Backend } from '../../backend/backend.ts'
import { isSameOwner } from '../request/credentials.ts'
import {
  type ControlAnswer,
  type ControlRequest,
  parseAnswer,
  parseControl,
  unknown,
} from './control.ts'
import { createRelay } from './relay.ts'
import type { MultiplexedStream } from './stream.ts'

/** The multiplexed streams of a link, and the way to those of other instances. */
export interface Multiplexer {
  /** Makes a stream known for control requests, until it ends; returns its connection id. `ownerOf` names who may change it. */
  add(
    stream: MultiplexedStream,
    ownerOf: (connectionId: string) => string | Promise<string>,
  ): string
  /** The answer to a control request that is known before it is asked who sends it, if there is one. */
  refusal(request: Pick<ControlRequest, 'connectionId' | 'set'>): ControlAnswer | undefined
  /** Replaces the set of the stream that a control request names, wherever it is, unless who sends it is out of date by then. */
  control(request: ControlRequest, isStale: () => boolean): Promise<ControlAnswer>
}

/** What a multiplexer is made of. */
export interface MultiplexerOptions {
  readonly backend: Backend | undefined
  readonly clock: Clock
  readonly subscriptionsPerConnection: number
}

interface HeldStream {
  readonly stream: MultiplexedStream
  readonly owner: string | Promise<string>
}

/** Creates the multiplexer of a link. Without a backend, or with one that hands on no notices, it knows its own streams only. */
export function createMultiplexer({
  backend,
  clock,
  subscriptionsPerConnection,
}: MultiplexerOptions): Multiplexer {
  const instance = randomText(8)
  const streams = new Map<string, HeldStream>()
  const relay = canNotify(backend)
    ? createRelay({
        backend,
        instance,
        clock,
        answer: async (question) => {
          const request = parseControl(question, subscriptionsPerConnection)
          return request && (await apply(request, 'elsewhere', () => false))
        },
      })
    : undefined

  async function apply(
    { connectionId, owner, set }: ControlRequest,
    from: 'here' | 'elsewhere',
    isStale: () => boolean,
  ): Promise<ControlAnswer> {
    const held = streams.get(connectionId)
    if (held === undefined || !isSameOwner(owner, await held.owner)) return unknown
    // It may have ended meanwhile: what started on it then would never stop.
    if (streams.get(connectionId) !== held || isStale()) return unknown
    try {
      const retryAfterMs = held.stream.replace(set, from)
      if (retryAfterMs > 0) return { type: 'busy', retryAfterMs }
      return { type: 'applied', revision: held.stream.revision }
    } catch (error) {
      if (!isRealtimeError(error)) throw error
      return { type: 'invalid', message: error.message }
    }
  }

  const instanceOf = (connectionId: string): string => connectionId.split('.', 1)[0] ?? ''

  return {
    add(stream, ownerOf) {
      // Started in the background: until it listens, control from elsewhere isn't answered, and clients reopen.
      void relay?.listen()
      const connectionId = `${instance}.${randomText(16)}`
      streams.set(connectionId, { stream, owner: ownerOf(connectionId) })
      stream.onClose = () => void streams.delete(connectionId)
      return connectionId
    },
    refusal({ connectionId, set }) {
      const holder = instanceOf(connectionId)
      if (holder !== instance) return relay && /^[\da-f]{16}$/.test(holder) ? undefined : unknown
      const held = streams.get(connectionId)
      if (held === undefined) return unknown
      const retryAfterMs = held.stream.changeWaitMs(set)
      return retryAfterMs > 0 ? { type: 'busy', retryAfterMs } : undefined
    },
    async control(request, isStale) {
      const holder = instanceOf(request.connectionId)
      if (holder === instance) return await apply(request, 'here', isStale)
      if (isStale()) return unknown
      return parseAnswer(await relay?.ask(holder, request))
    },
  }
}

type Notifying = Backend & Required<Pick<Backend, 'notify'>>

function canNotify(backend: Backend | undefined): backend is Notifying {
  return backend?.notify !== undefined
}

/** So many random bytes, as hexadecimal text that nobody can guess. */
function randomText(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
