import { type Clock, isRealtimeError, type MultiplexedRequest } from '@trpc-sse/protocol'
import type { Backend } from '../../backend/backend.ts'
import { isSameOwner } from '../request/credentials.ts'
import { toHex } from '../request/hex.ts'
import {
  type ControlAnswer,
  type ControlRequest,
  type Ending,
  parseAnswer,
  parseControl,
  parseEnding,
  unknownStream,
} from './control.ts'
import { createRandomIds } from './random-ids.ts'
import { Relay } from './relay.ts'

/** A stream that control requests can change. */
export interface ChangeableStream {
  readonly revision: number
  /** Ends the stream. */
  end(): void
  /** Called when the stream is over. */
  onClose: () => void
  /**
   * Replaces the set and returns 0, or returns the time to wait in milliseconds. Throws
   * `INVALID_MESSAGE`.
   */
  replace(set: MultiplexedRequest, from: 'here' | 'elsewhere'): number
  /** Returns the time until {@link replace} would accept this set, in milliseconds. */
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
 * The multiplexed streams of a link. It reaches streams of other instances through the backend.
 * Without a backend that relays notices, it knows only its own streams.
 */
export class MultiplexedStreams {
  /** The name of this instance, which is the first part of its connection ids. */
  readonly #instance = toHex(crypto.getRandomValues(new Uint8Array(8)))
  readonly #randomId = createRandomIds(16)
  readonly #streams = new Map<string, OwnedStream>()
  readonly #relay: Relay | undefined

  constructor({ backend, clock, subscriptionsPerConnection }: MultiplexedStreamsOptions) {
    if (!canNotify(backend)) return
    this.#relay = new Relay({
      backend,
      instance: this.#instance,
      clock,
      answer: async (question) => {
        const ending = parseEnding(question)
        if (ending) return await this.#end(ending)
        const request = parseControl(question, subscriptionsPerConnection)
        return request && (await this.#apply(request, 'elsewhere', () => false))
      },
    })
  }

  /**
   * Adds a stream until it ends. Returns its connection id. `ownerOf` returns the owner, who may
   * change the stream.
   */
  add(
    stream: ChangeableStream,
    ownerOf: (connectionId: string) => string | Promise<string>,
  ): string {
    // Not awaited: until the relay listens, other instances get no answer, and their clients open a
    // new stream.
    void this.#relay?.listen()
    const connectionId = `${this.#instance}.${this.#randomId()}`
    this.#streams.set(connectionId, { stream, owner: ownerOf(connectionId) })
    stream.onClose = () => void this.#streams.delete(connectionId)
    return connectionId
  }

  /** Returns the answer to a control request if it is the same for any sender. */
  earlyAnswer({
    connectionId,
    set,
  }: Pick<ControlRequest, 'connectionId' | 'set'>): ControlAnswer | undefined {
    const instance = instanceOf(connectionId)
    if (instance !== this.#instance)
      return this.#relay && isInstance(instance) ? undefined : unknownStream
    const stream = this.#streams.get(connectionId)?.stream
    if (stream === undefined) return unknownStream
    const retryAfterMs = stream.changeWaitMs(set)
    return retryAfterMs > 0 ? { type: 'busy', retryAfterMs } : undefined
  }

  /**
   * Replaces the set of a stream on any instance, unless the sender was disconnected in the
   * meantime.
   */
  async control(request: ControlRequest, wasDisconnected: () => boolean): Promise<ControlAnswer> {
    const instance = instanceOf(request.connectionId)
    if (instance === this.#instance) return await this.#apply(request, 'here', wasDisconnected)
    if (wasDisconnected()) return unknownStream
    return parseAnswer(await this.#relay?.ask(instance, request))
  }

  /**
   * Ends a stream that its client has lost, if it has this owner. Resolves when a stream of this
   * instance has ended. Doesn't wait for another instance, which is asked only if `isAnywhere`.
   */
  async end(ending: Ending, isAnywhere: boolean): Promise<void> {
    const instance = instanceOf(ending.ends)
    if (instance === this.#instance) await this.#end(ending)
    else if (isAnywhere && isInstance(instance)) void this.#relay?.ask(instance, ending)
  }

  async #end({ ends, owner }: Ending): Promise<ControlAnswer> {
    const owned = this.#streams.get(ends)
    if (owned === undefined || !isSameOwner(owner, await owned.owner)) return unknownStream
    owned.stream.end()
    return { type: 'applied', revision: owned.stream.revision }
  }

  async #apply(
    { connectionId, owner, set }: ControlRequest,
    from: 'here' | 'elsewhere',
    wasDisconnected: () => boolean,
  ): Promise<ControlAnswer> {
    const owned = this.#streams.get(connectionId)
    if (owned === undefined || !isSameOwner(owner, await owned.owner)) return unknownStream
    // The stream may have ended in the meantime: subscriptions started on it now would never stop.
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

function isInstance(name: string): boolean {
  return /^[\da-f]{16}$/.test(name)
}

function canNotify(
  backend: Backend | undefined,
): backend is Backend & Required<Pick<Backend, 'notify'>> {
  return backend?.notify !== undefined
}
