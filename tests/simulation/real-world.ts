import { createHash } from 'node:crypto'
import type { Clock } from '@trpc-sse/protocol'
import { chanceFor } from './chance.ts'

/** Watches for what would make a run depend on more than its seed. */
export interface RealWorldWatch {
  /** What our packages took from the real world. */
  seen(): readonly string[]
  restore(): void
}

/** What a watch is made of. */
export interface WatchOptions {
  readonly seed: number
  /** Whether it finds out who takes what from the real world, which costs a stack each time. */
  readonly isTraced: boolean
  /** Called with what the packages say on the console. */
  onConsole(text: string): void
  /** The clock of the simulated process that runs now. */
  runningClock(): Clock | undefined
}

/** Where ioredis is, in a stack. */
const ioredisFolder = '/node_modules/ioredis/'
/** Longer than any timer that fires: such a one only keeps a process alive. */
const keepAliveMs = 2 ** 31 - 1

/**
 * Replaces time, timers and chance of the runtime for a run. What the packages need of `crypto` is
 * given from the seed; if they use anything else, it is noted with the place. ioredis takes its timers
 * from the runtime: its are those of the process that it runs in.
 */
export function watchRealWorld({
  seed,
  isTraced,
  onConsole,
  runningClock,
}: WatchOptions): RealWorldWatch {
  const seen = new Set<string>()
  const { random } = chanceFor(seed, 'crypto')
  const note = (name: string, stack = isTraced ? stackHere() : undefined): void => {
    const place = stack?.split('\n').find((line) => /packages\/\w+\/src/.test(line))
    if (place !== undefined) seen.add(`${name} of the runtime was used${place.replace(/^ */, ' ')}`)
  }
  const timers = new SimulatedTimers(runningClock)
  // Most of what an aborted request costs is its stack, which nobody reads.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const restores = [
    replace(globalThis, 'setTimeout', (real) =>
      Object.assign((...args: Parameters<typeof setTimeout>) => {
        if (args[1] === keepAliveMs) return real(...args)
        const stack = isTraced ? stackHere() : undefined
        if (stack?.includes(ioredisFolder) ?? true) return timers.start(...args)
        note('setTimeout', stack)
        return real(...args)
      }, real),
    ),
    replace(globalThis, 'clearTimeout', (real) => (timer) => {
      if (!timers.cancel(timer)) real(timer)
    }),
    replace(globalThis, 'setInterval', (real) =>
      Object.assign((...args: Parameters<typeof setInterval>) => {
        note('setInterval')
        return real(...args)
      }, real),
    ),
    replace(Date, 'now', (real) => () => {
      note('Date.now')
      return real.call(Date)
    }),
    replace(performance, 'now', (real) => () => {
      note('performance.now')
      return real.call(performance)
    }),
    replace(Math, 'random', () => () => {
      const stack = isTraced ? stackHere() : undefined
      if (!stack?.includes(ioredisFolder)) note('Math.random', stack)
      // The chance of ioredis is that of the process that it runs in.
      return (runningClock() ?? { random }).random()
    }),
    replace(
      console,
      'warn',
      () =>
        (...values) =>
          onConsole(String(values[0])),
    ),
    replace(
      console,
      'error',
      () =>
        (...values) =>
          onConsole(String(values[0])),
    ),
    replace(crypto, 'getRandomValues', () => (array) => {
      if (array instanceof Uint8Array)
        for (let i = 0; i < array.length; i++) array[i] = Math.floor(random() * 256)
      return array
    }),
    // The real one ends in another thread, at a time that differs from run to run.
    replace(crypto.subtle, 'digest', () => async (_algorithm, data) => {
      const bytes = createHash('sha256')
        .update(Buffer.from(data as ArrayBuffer))
        .digest()
      return Uint8Array.from(bytes).buffer
    }),
  ]
  const onFault = (error: unknown): void => {
    seen.add(`nobody caught ${error instanceof Error ? error.stack : String(error)}`)
  }
  process.on('unhandledRejection', onFault)
  process.on('uncaughtException', onFault)
  return {
    seen: () => [...seen],
    restore() {
      for (const restore of restores) restore()
      Error.stackTraceLimit = stackTraceLimit
      process.off('unhandledRejection', onFault)
      process.off('uncaughtException', onFault)
    },
  }
}

function stackHere(): string | undefined {
  Error.stackTraceLimit = 30
  const { stack } = new Error()
  Error.stackTraceLimit = 0
  return stack
}

const { setTimeout: startTimer, clearTimeout: clearTimer } = globalThis

/** Timers of the runtime's kind, on simulated clocks. */
class SimulatedTimers {
  readonly #runningClock: () => Clock | undefined
  readonly #cancels = new Map<unknown, () => void>()

  constructor(runningClock: () => Clock | undefined) {
    this.#runningClock = runningClock
  }

  start<TArgs extends unknown[]>(
    callback: (...args: TArgs) => void,
    delayMs = 0,
    ...args: TArgs
  ): NodeJS.Timeout {
    const clock = this.#runningClock()
    if (clock === undefined) throw new Error('ioredis started a timer outside of any process.')
    // An object of the right kind, which never fires.
    const timer = startTimer(() => {}, keepAliveMs)
    clearTimer(timer)
    const cancel = clock.after(delayMs, () => {
      this.#cancels.delete(timer)
      callback(...args)
    })
    this.#cancels.set(timer, cancel)
    return timer
  }

  cancel(timer: unknown): boolean {
    this.#cancels.get(timer)?.()
    return this.#cancels.delete(timer)
  }
}

function replace<TObject extends object, TKey extends keyof TObject>(
  object: TObject,
  key: TKey,
  make: (real: TObject[TKey]) => TObject[TKey],
): () => void {
  const own = Object.getOwnPropertyDescriptor(object, key)
  Object.defineProperty(object, key, {
    value: make(object[key]),
    configurable: true,
    writable: true,
  })
  return () => {
    if (own) Object.defineProperty(object, key, own)
    else Reflect.deleteProperty(object, key)
  }
}
