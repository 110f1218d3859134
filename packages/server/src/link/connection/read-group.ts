import { RealtimeError } from '@trpc-sse/protocol'
import type { ReadGroup } from '../../hub/reads.ts'
import type { Turns } from './turns.ts'

/** The part of a connection that determines whether its subscriptions may read. */
export interface ReadingConnection {
  isBackpressured(): boolean
}

/** The options that all read groups of a link share. */
export interface GroupOptions {
  /** The maximum number of channels that the subscriptions of one connection may read. */
  readonly channelsPerConnection: number
  /** The turns in which connections load the snapshots of their live subscriptions. */
  readonly loads: Turns<object>
}

/**
 * The read group of one connection's subscriptions. While the connection is backpressured, nothing
 * is read for it.
 */
export class ConnectionReadGroup implements ReadGroup {
  readonly #connection: ReadingConnection
  readonly #options: GroupOptions
  #channels = 0

  constructor(connection: ReadingConnection, options: GroupOptions) {
    this.#connection = connection
    this.#options = options
  }

  canRead(): boolean {
    return !this.#connection.isBackpressured()
  }

  enter(): void {
    const { channelsPerConnection } = this.#options
    if (this.#channels >= channelsPerConnection) throw tooManyChannels(channelsPerConnection)
    this.#channels += 1
  }

  leave(): void {
    this.#channels -= 1
  }

  turn(signal: AbortSignal): Promise<void> | undefined {
    return this.#options.loads.enter(this.#connection, signal)
  }
}

function tooManyChannels(count: number): RealtimeError {
  const message = `The subscriptions of one connection read ${count} channels at a time, which is the limit (limits.channelsPerConnection). End some, or raise it.`
  return new RealtimeError('TOO_MANY_CHANNELS', message)
}
