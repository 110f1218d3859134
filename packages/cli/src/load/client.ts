import { isDeepStrictEqual } from 'node:util'
import { createTRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { isPlainObject } from '@trpc-sse/protocol'
import type { Clock } from '@trpc-sse/server'
import type { Target } from '../endpoint/target.ts'
import { isNewAfter, type Positions, parsePositions, storedAtMs } from './order.ts'
import type { Tally } from './tally.ts'

/** What each client subscribes to, and where it is counted. */
export interface ClientOptions {
  readonly target: Target
  readonly path: string
  readonly input: unknown
  readonly mode: 'multiplexed' | 'single'
  readonly tally: Tally
}

/** A running client. */
export interface RunningClient {
  stop(): void
}

/** Starts a client with a connection of its own, which counts what it sees. */
export function startClient({ target, path, input, mode, tally }: ClientOptions): RunningClient {
  const watch = new Watch(tally, target.clock)
  const link = sseLink<AnyTRPCRouter>({
    url: target.url,
    headers: { ...target.headers },
    mode,
    onGap: () => watch.skip(),
    onFallback: ({ message }) => tally.addCause(message),
  })
  const client = createTRPCUntypedClient<AnyTRPCRouter>({ links: [link] })
  const subscription = client.subscription(path, input, {
    onData: (event) => watch.receive(event),
    onConnectionStateChange: ({ state, error }) => watch.moveTo(state, error),
    onError: (error) => watch.fail(error),
    onComplete: () => watch.moveTo('idle', null),
  })
  return {
    stop() {
      subscription.unsubscribe()
      watch.moveTo('idle', null)
    },
  }
}

/** Watches what one client sees. */
class Watch {
  readonly #tally: Tally
  readonly #clock: Clock
  #isConnected = false
  #wasConnected = false
  #positions: Positions = new Map()
  #last: unknown

  constructor(tally: Tally, clock: Clock) {
    this.#tally = tally
    this.#clock = clock
  }

  receive(event: unknown): void {
    const tally = this.#tally
    tally.add('events')
    const positions = isPlainObject(event) ? parsePositions(String(event.id)) : undefined
    if (!positions) return
    if (isNewAfter(this.#positions, positions)) {
      this.#positions = positions
      tally.addLatency(this.#clock.now() - storedAtMs(positions))
    } else if (!this.#isAnotherItem(event, positions)) tally.add('repeats')
    this.#last = event
  }

  /** Events are missing. Another log may have replaced the one that had them, with other ids. */
  skip(): void {
    this.#tally.add('gaps')
    this.#positions = new Map()
  }

  /** A run sends several items at one position: a value, and that it is complete so far. */
  #isAnotherItem(event: unknown, positions: Positions): boolean {
    return isDeepStrictEqual(this.#positions, positions) && !isDeepStrictEqual(this.#last, event)
  }

  moveTo(state: 'idle' | 'connecting' | 'pending', error: unknown): void {
    const tally = this.#tally
    if (error) tally.addCause(error)
    const isConnected = state === 'pending'
    if (isConnected === this.#isConnected) return
    this.#isConnected = isConnected
    tally.connected += isConnected ? 1 : -1
    if (isConnected && !this.#wasConnected) tally.everConnected++
    else if (isConnected) tally.add('reconnects')
    this.#wasConnected ||= isConnected
  }

  fail(error: unknown): void {
    this.#tally.add('failed')
    this.moveTo('idle', error)
  }
}
