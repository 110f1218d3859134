import { type Clock, elapsedTime, wait } from '@trpc-sse/server'
import { type ClientOptions, type RunningClient, startClient } from './client.ts'

/** A load of many clients. */
export interface LoadOptions extends ClientOptions {
  readonly clients: number
  readonly forMs: number
  /** How many clients to start in a second. */
  readonly rate: number
  /** Called every second, and at the end. */
  onTick(elapsedMs: number): void
}

const tickMs = 1_000
const startMs = 50

/** Runs the clients until their time is over or the signal aborts. */
export async function runLoad(options: LoadOptions): Promise<void> {
  const { target, clients, forMs, rate, onTick } = options
  const { clock, signal } = target
  const elapsedMs = elapsedTime(clock)
  const beganMs = elapsedMs()
  const nowMs = (): number => elapsedMs() - beganMs
  const running: RunningClient[] = []
  let tickAtMs = tickMs
  try {
    while (nowMs() < forMs && !signal.aborted) {
      const due = Math.min(clients, Math.ceil((nowMs() / 1_000) * rate) + 1)
      while (running.length < due) running.push(startClient(options))
      const untilMs = running.length < clients ? nowMs() + startMs : tickAtMs
      const waitMs = Math.min(untilMs, tickAtMs, forMs) - nowMs()
      await wait(keptAlive(clock), Math.max(0, waitMs), signal)
      if (nowMs() < tickAtMs && nowMs() < forMs) continue
      onTick(nowMs())
      tickAtMs = Math.floor(nowMs() / tickMs + 1) * tickMs
    }
  } finally {
    for (const client of running) client.stop()
  }
}

function keptAlive(clock: Clock): Clock {
  return { ...clock, after: (ms, callback) => clock.after(ms, callback, { keepsAlive: true }) }
}
