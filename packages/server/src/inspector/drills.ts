import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { Connection } from '../link/connection/connection.ts'
import type { Connections } from '../link/connection/connections.ts'
import type { Drill } from './messages.ts'
import { type Throttle, ThrottledWriter } from './throttled-writer.ts'

const throttles: Readonly<Record<'stall' | 'slow', Throttle>> = {
  stall: { bytesPerTick: 0, forMs: 30_000 },
  slow: { bytesPerTick: 256, forMs: 30_000 },
}

/** A throttled stream. */
interface Throttled {
  readonly drill: 'stall' | 'slow'
  readonly writer: ThrottledWriter
}

/** Causes on one stream what otherwise happens in production only. */
export class Drills {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #throttled = new WeakMap<Connection, Throttled>()

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections
    this.#clock = clock
  }

  /** Returns the throttle of a stream, if it has one. */
  throttleOf(connection: Connection): 'stall' | 'slow' | undefined {
    return this.#throttled.get(connection)?.drill
  }

  /** Runs a drill. Returns what has happened. Throws `INVALID_OPTION` if it isn't possible. */
  run(drill: Drill, stream: number): string {
    const connection = this.#find(stream)
    switch (drill) {
      case 'cut':
        connection.abort()
        return 'The stream was cut. Its client should be back soon, as a stream with another number.'
      case 'gap':
        return reportGaps(connection)
      case 'resume':
        this.#throttled.get(connection)?.writer.release()
        return 'The stream is written at full speed.'
      case 'stall':
        this.#throttle(connection, drill)
        return 'Nothing is written to the stream for 30 seconds.'
      case 'slow':
        this.#throttle(connection, drill)
        return 'The stream is written at about 1 kB per second for 30 seconds.'
    }
  }

  #find(stream: number): Connection {
    for (const connection of this.#connections.all)
      if (connection.number === stream && connection.isStarted) return connection
    throw new RealtimeError('INVALID_OPTION', `Stream ${stream} is not open any more.`)
  }

  #throttle(connection: Connection, drill: 'stall' | 'slow'): void {
    this.#throttled.get(connection)?.writer.release()
    connection.intercept((inner, onDrain) => {
      const writer = new ThrottledWriter(inner, onDrain, this.#clock, throttles[drill])
      const drop = (): void => writer.drop()
      writer.onEnd = () => {
        this.#throttled.delete(connection)
        connection.over.signal.removeEventListener('abort', drop)
        connection.intercept(() => inner)
      }
      connection.over.signal.addEventListener('abort', drop, { once: true })
      this.#throttled.set(connection, { drill, writer })
      return writer
    })
  }
}

function reportGaps({ stream }: Connection): string {
  const told = stream?.started().filter((subscription) => subscription.reportGap()) ?? []
  if (told.length > 0)
    return `${told.length} subscriptions were told that events are missing. None is.`
  const message =
    'No subscription of this stream can have a gap: live subscriptions get a new snapshot instead, and others don’t read channels.'
  throw new RealtimeError('INVALID_OPTION', message)
}
