import { type Connection, connect } from './connection.ts'
import type { Frame } from './frames.ts'
import type { StreamEvent } from './state.ts'
import type { StreamOptions } from './stream.ts'

/** Whom the connections of a stream tell what happens to them. */
export interface ConnectionsListener {
  /** Whether a connection that is being made is still wanted. */
  isConnecting(): boolean
  /** Something has happened to the stream. */
  dispatch(event: StreamEvent): void
  /** The one before has ended. */
  onBridgeEnded(): void
  take(frame: Frame, stream: number): void
  /** Calls what may throw; if it does, all ends with that. */
  guard(call: () => void): void
}

/** The newest connection of a stream, and beside it the one before, while that is a bridge to it. */
export interface Connections {
  isCurrent(stream: number): boolean
  isBefore(stream: number): boolean
  hasBefore(): boolean
  /** Makes a new one, the newest. */
  open(): void
  /** The newest has its first message: from now on, so much silence in milliseconds means that it is dead. */
  opened(inactivityTimeoutMs: number): void
  /** Makes the newest the one before. */
  setAside(): void
  /** Makes the one before the newest again, as if no other had been asked for. */
  goBack(): void
  /** Starts the time after which the one before goes. */
  limitBridge(): void
  /** The newest is gone, with an error if it failed. */
  drop(error: unknown): void
  /** The one before is gone, with an error if it failed. */
  dropBefore(error: unknown): void
  /** Looks at the clock: they may have been silent for too long while timers stood still. */
  check(): void
  close(): void
}

/** How long a new stream may take while the one before goes on, in milliseconds: events are held back for it. */
const bridgedConnectTimeoutMs = 3_000

/** How long, after the new stream is open, the one before is kept, in milliseconds: servers promise no more. */
const bridgeMs = 5_000

interface Line {
  readonly stream: number
  readonly connection: Connection
}

/** Creates the connections of a stream: none yet. */
export function createConnections(options: StreamOptions, listener: ConnectionsListener): Connections {
  let streams = 0
  let current: Line | undefined
  let before: Line | undefined
  let cancelBridge = (): void => {}
  const isCurrent = (stream: number): boolean => stream === current?.stream
  const isBefore = (stream: number): boolean => stream === before?.stream

  function lose(line: Line | undefined, error: unknown): void {
    if (!line) return
    line.connection.close()
    listener.guard(() => {
      const verdict = options.onLost(line.stream, error)
      if (verdict) listener.dispatch(verdict)
    })
  }

  function dropBefore(error: unknown): void {
    const line = before
    before = undefined
    cancelBridge()
    lose(line, error)
  }

  function makeConnection(stream: number): Connection {
    const ifCurrent = (event: StreamEvent): void => {
      if (isCurrent(stream)) listener.dispatch(event)
    }
    const connectTimeoutMs = Math.min(before ? bridgedConnectTimeoutMs : Infinity, options.connectTimeoutMs)
    const connection = connect({
      ...options,
      connectTimeoutMs,
      write: (endpoint) => options.write(endpoint, stream),
      onMessage: (message) =>
        listener.guard(() => {
          for (const frame of options.read(message))
            if (isCurrent(stream) || isBefore(stream)) listener.take(frame, stream)
        }),
      onAnswer: () => ifCurrent({ type: 'answered' }),
      onRetry: (ms) => ifCurrent({ type: 'retry', ms }),
    })
    void connection.ended.then((event) => {
      if (event && isBefore(stream)) listener.onBridgeEnded()
      else if (event) ifCurrent(event)
    })
    return connection
  }

  return {
    isCurrent,
    isBefore,
    hasBefore: () => before !== undefined,
    open() {
      const stream = ++streams
      const connection = makeConnection(stream)
      current = { stream, connection }
      // The app's own functions were asked already, and may have ended it.
      if (!listener.isConnecting()) connection.close()
    },
    opened: (inactivityTimeoutMs) => current?.connection.opened(inactivityTimeoutMs),
    setAside() {
      const line = current
      current = undefined
      dropBefore(undefined)
      before = line
    },
    goBack() {
      const refused = current
      current = before
      before = undefined
      lose(refused, undefined)
    },
    limitBridge() {
      if (before) cancelBridge = options.clock.after(bridgeMs, () => listener.dispatch({ type: 'unbridged' }))
    },
    drop(error) {
      const line = current
      current = undefined
      lose(line, error)
    },
    dropBefore,
    check() {
      before?.connection.check()
      current?.connection.check()
    },
    close() {
      for (const line of [before, current]) line?.connection.close()
      cancelBridge()
      before = undefined
      current = undefined
    },
  }
}
