import { type Clock, isRealtimeError, type MultiplexedRequest } from '@trpc-sse/protocol'
import type { Backend } from '../../backend/backend.ts'
import { isSameOwner } from '../request/credentials.ts'
import { toHex } from '../request/hex.ts'
import {
  type ControlAnswer,
  type ControlRequest,
  parseAnswer,
  parseControl,
  unknownStream,
} from './control.ts'
import { Relay } from './relay.ts'

/** A stream, as far as control requests change it. */
export interface ChangeableStream {
  readonly revision: number
  /** Called when the stream is over. */
  onClose: () => void
  /** Replaces the set. Returns 0, or how long to wait in milliseconds. Throws `INVALID_MESSAGE`. */
  replace(set: MultiplexedRequest, from: 'here' | 'elsewhere'): number
  /** How long to wait before {@link replace} would accept this set, in milliseconds. */
  changeWaitMs(set: MultiplexedRequest): number
}

/** Options of {@link MultiplexedStreams}. */
export interface MultiplexedStreamsOptions {
  readonly backend: Backend | undefined
  readonly clock: Clock
  readonly subscriptionsPerConnection: number
}

interface OwnedStream {
  readonly stream: ChangeableStream
  readonly owner: string | Promise<string>
}

/**
 * The multiplexed streams of a link, and the way to those of other instances. Without a backend
 * that relays notices, it knows its own streams only.
 */
export class MultiplexedStreams {
  /** Names this instance: the first part of its connection ids. */
  readonly #instance = randomHex(8)
  readonly #streams = new Map<string, OwnedStream>()
  readonly #relay: Relay | undefined

  constructor({ backend, clock, subscriptionsPerConnection }: MultiplexedStreamsOptions) {
    if (!canNotify(backend)) return
    this.#relay = new Relay({
      backend,
      instance: this.#instance,
      clock,
      answer: async (question) => {
        const request = parseControl(question, subscriptionsPerConnection)
        return request && (await this.#apply(request, 'elsewhere', () => false))
      },
    })
  }

  /**
   * Adds a stream for as long as it lasts. Returns its connection id. `ownerOf` tells who may
   * change it.
   */
  add(
    stream: ChangeableStream,
    ownerOf: (connectionId: string) => string | Promise<string>,
  ): string {
    // Not awaited: until it listens, other instances get no answer, and their clients reopen.
    void this.#relay?.listen()
    const connectionId = `${this.#instance}.${randomHex(16)}`
    this.#streams.set(connectionId, { stream, owner: ownerOf(connectionId) })
    stream.onClose = () => void this.#streams.delete(connectionId)
    return connectionId
  }

  /** The answer to a control request that holds for any sender, if there is one. */
  earlyAnswer({
    connectionId,
    set,
  }: Pick<ControlRequest, 'connectionId' | 'set'>): ControlAnswer | undefined {
    const instance = instanceOf(connectionId)
    if (instance !== this.#instance)
      return this.#relay && /^[\da-f]{16}$/.test(instance) ? undefined : unknownStream
    const stream = this.#streams.get(connectionId)?.stream
    if (stream === undefined) return unknownStream
    const retryAfterMs = stream.changeWaitMs(set)
    return retryAfterMs > 0 ? { type: 'busy', retryAfterMs } : undefined
  }

  /**
   * Replaces the set of a stream, on whichever instance it is, unless its sender was disconnected
   * by then.
   */
  async control(request: ControlRequest, wasDisconnected: () => boolean): Promise<ControlAnswer> {
    const instance = instanceOf(request.connectionId)
    if (instance === this.#instance) return await this.#apply(request, 'here', wasDisconnected)
    if (wasDisconnected()) return unknownStream
    return parseAnswer(await this.#relay?.ask(instance, request))
  }

  async #apply(
    { connectionId, owner, set }: ControlRequest,
    from: 'here' | 'elsewhere',
    wasDisconnected: () => boolean,
  ): Promise<ControlAnswer> {
    const owned = this.#streams.get(connectionId)
    if (owned === undefined || !isSameOwner(owner, await owned.owner)) return unknownStream
    // The stream may have ended meanwhile: subscriptions that start on it now would never stop.
    if (this.#streams.get(connectionId) !== owned || wasDisconnected()) return unknownStream
    try {
      const retryAfterMs = owned.stream.replace(set, from)
      if (retryAfterMs > 0) return { type: 'busy', retryAfterMs }
      return { type: 'applied', revision: owned.stream.revision }
    } catch (error) {
      if (!isRealtimeError(error)) throw error
      return { type: 'invalid', message: error.message }
    }
  }
}

function instanceOf(connectionId: string): string {
  return connectionId.split('.', 1)[0] ?? ''
}

function canNotify(
  backend: Backend | undefined,
): backend is Backend & Required<Pick<Backend, 'notify'>> {
  return backend?.notify !== undefined
}

/** So many random bytes as hexadecimal text, which nobody can guess. */
function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)))
}
