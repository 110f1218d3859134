import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, RealtimeError, systemClock, wait } from '@trpc-sse/protocol'
import type { ChannelsBase } from '../channels.ts'
import type { ServerLink } from '../link/server-link.ts'
import { callHandler } from '../user-code/calls.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import { checkNumbers } from '../user-code/numbers.ts'
import { within } from '../user-code/within.ts'
import { ServerClosing, type ShutdownServer } from './close-server.ts'
import { createProbes, filterRequests, type ProbePaths } from './probes.ts'

/** Options of {@link gracefulShutdown}. */
export interface GracefulShutdownOptions {
  /** The server that listens. */
  readonly server: ShutdownServer
  /** The server link, or a function for one that doesn't exist before the first request. */
  readonly link: ServerLink | (() => ServerLink | undefined)
  /** The channels, which are closed after the streams have ended. */
  readonly channels?: ChannelsBase
  /**
   * The paths of the probes; `false` to answer none.
   *
   * @default { liveness: '/livez', readiness: '/readyz' }
   */
  readonly probes?: ProbePaths | false
  /**
   * Returns whether the app is ready for clients. It isn't called during a shutdown. If it throws or
   * takes longer than a second, the app isn't ready.
   *
   * @default always ready
   */
  readonly isReady?: () => boolean | Promise<boolean>
  /**
   * The time in which the load balancer learns that this process isn't ready, in milliseconds. New
   * clients are still served. Longer than the balancer takes: interval times failures of its probe.
   *
   * @default 5_000
   */
  readonly unreadyMs?: number
  /**
   * The time over which clients are moved to other processes, in milliseconds. The longer it is, the
   * fewer reconnect at the same time.
   *
   * @default 10_000
   */
  readonly drainOverMs?: number
  /**
   * The longest time from the signal to the exit, in milliseconds. What takes longer is cut, and the
   * exit code is 1. More than `unreadyMs` and `drainOverMs` together, and less than the time after
   * which the platform kills the process.
   *
   * @default 28_000
   */
  readonly timeoutMs?: number
  /**
   * The signals that start the shutdown.
   *
   * @default ['SIGTERM']
   */
  readonly signals?: readonly NodeJS.Signals[]
  /** Called after the streams have ended and the channels are closed: close your database here. */
  readonly onShutdown?: () => unknown
  /**
   * Called with what failed or took too long.
   *
   * @default console.error
   */
  readonly onError?: (error: unknown) => void
  /**
   * Ends the process.
   *
   * @default process.exit
   */
  readonly exit?: (code: 0 | 1) => void
  /**
   * Provides time and timers.
   *
   * @default systemClock
   */
  readonly clock?: Clock
}

/** The shutdown of a process. */
export interface GracefulShutdown {
  /** Starts the shutdown, as a signal does. Resolves after `exit` was called. */
  start(): Promise<void>
  /** Whether the shutdown has started. */
  readonly hasStarted: boolean
}

/** The longest wait for the app's `isReady`, in milliseconds. */
const isReadyMs = 1_000

/**
 * Makes a process stop without a loss: on SIGTERM it reports that it isn't ready, waits until the
 * load balancer knows, stops listening, moves its clients to other processes one by one, finishes
 * pending requests, closes the channels and exits. Answers the probes of an orchestrator.
 *
 * @throws `INVALID_OPTION` for a time that isn't a number of 0 or more, and for a `timeoutMs` that
 *   isn't longer than `unreadyMs` and `drainOverMs` together: each shutdown would be cut.
 */
export function gracefulShutdown(options: GracefulShutdownOptions): GracefulShutdown {
  const { server, probes, signals = ['SIGTERM'] } = options
  const shutdown = new Shutdown(options)
  const answers =
    probes === false
      ? () => false
      : createProbes({ ...defaultPaths, ...probes }, () => shutdown.isReady())
  filterRequests(server, (request, response) => {
    shutdown.onRequest(request, response)
    return answers(request, response)
  })
  for (const signal of signals) process.on(signal, () => void shutdown.start())
  return shutdown
}

const defaultPaths: ProbePaths = { liveness: '/livez', readiness: '/readyz' }

class Shutdown implements GracefulShutdown {
  readonly #options: GracefulShutdownOptions
  readonly #clock: Clock
  readonly #unreadyMs: number
  readonly #drainOverMs: number
  readonly #timeoutMs: number
  readonly #closing: ServerClosing
  #hasFailed = false
  #running: Promise<void> | undefined

  constructor(options: GracefulShutdownOptions) {
    const { unreadyMs = 5_000, drainOverMs = 10_000, timeoutMs = 28_000 } = options
    const times = { unreadyMs, drainOverMs, timeoutMs }
    checkNumbers('gracefulShutdown()', times, { least: 0, isWhole: false })
    if (unreadyMs + drainOverMs >= timeoutMs) throw tooShort(times)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#unreadyMs = unreadyMs
    this.#drainOverMs = drainOverMs
    this.#timeoutMs = timeoutMs
    this.#closing = new ServerClosing(options.server, this.#clock)
  }

  get hasStarted(): boolean {
    return this.#running !== undefined
  }

  async isReady(): Promise<boolean> {
    if (this.hasStarted) return false
    const { isReady = () => true } = this.#options
    try {
      const isAppReady = await within(this.#clock, isReadyMs, (async () => await isReady())())
      return isAppReady && !this.hasStarted
    } catch {
      return false
    }
  }

  /** Call it for each request, before the app. */
  onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#closing.onRequest(request, response)
  }

  start(): Promise<void> {
    this.#running ??= keepAlive(this.#run())
    return this.#running
  }

  async #run(): Promise<void> {
    const { exit = (code) => process.exit(code) } = this.#options
    const late = (): Error => tookTooLong(this.#timeoutMs)
    await this.#try(() => within(this.#clock, this.#timeoutMs, this.#stop(), late))
    exit(this.#hasFailed ? 1 : 0)
  }

  async #stop(): Promise<void> {
    const { link, channels, onShutdown } = this.#options
    await wait(this.#clock, this.#unreadyMs)
    this.#closing.stopListening()
    await this.#try(async () => {
      const served = typeof link === 'function' ? link() : link
      await served?.drain({ overMs: this.#drainOverMs })
    })
    await this.#try(() => this.#closing.finish())
    await this.#try(() => channels?.close())
    await this.#try(() => onShutdown?.())
  }

  /** Takes one step. If it fails, the others are taken all the same. */
  async #try(step: () => unknown): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#hasFailed = true
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    const { onError = (cause) => console.error('trpc-sse: the shutdown was cut short:', cause) } =
      this.#options
    callHandler('onError', () => onError(error))
  }
}

function tooShort({ unreadyMs, drainOverMs, timeoutMs }: Record<string, number>): RealtimeError {
  const message = `gracefulShutdown(): timeoutMs is ${timeoutMs}, but unreadyMs (${unreadyMs}) and drainOverMs (${drainOverMs}) need that time. Raise timeoutMs, or lower the others.`
  return new RealtimeError('INVALID_OPTION', message)
}

function tookTooLong(ms: number): Error {
  const message = `The shutdown took longer than ${ms} ms (timeoutMs), so the process exits with what is still open. Which request, or which onShutdown, doesn't end?`
  return new Error(message)
}
