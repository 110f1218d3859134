import { describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { type Attempts, createAttempts } from './retries.ts'

const timeoutMs = 1_000
const unavailable = { code: 'BACKEND_UNAVAILABLE' }

interface Parts {
  readonly clock: ManualClock
  readonly attempts: Attempts
  /** Commands that were sent; none is ever answered. */
  readonly sent: number[]
  readonly send: () => Promise<never>
}

function createParts(isReady = true): Parts {
  const clock = manualClock()
  const sent: number[] = []
  const attempts = createAttempts({
    clock,
    elapsedMs: clock.now,
    timeoutMs,
    isReady: () => isReady,
    ready: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    pubSub: () => 'classic',
    lastError: () => undefined,
    onUnreachable() {},
    stop() {},
  })
  return {
    clock,
    attempts,
    sent,
    send() {
      sent.push(clock.now())
      return new Promise(() => {})
    },
  }
}

/** The error of a promise that has rejected by now. */
async function rejectedNow(promise: Promise<unknown>): Promise<unknown> {
  let error: unknown
  promise.catch((reason: unknown) => {
    error = reason
  })
  await new Promise(setImmediate)
  return error
}

describe('attempts', () => {
  it.each([true, false])(
    'end when the time since the call is up (Redis is there: %s)',
    async (isReady) => {
      const { clock, attempts, send } = createParts(isReady)
      const calledAtMs = clock.now()
      clock.advance(700)
      const answer = attempts.run(send, calledAtMs)
      clock.advance(299)
      expect(await rejectedNow(answer)).toBeUndefined()
      clock.advance(26)
      expect(await rejectedNow(answer)).toMatchObject(unavailable)
    },
  )

  it.each([true, false])(
    'send nothing for a call whose time was up before (Redis is there: %s)',
    async (isReady) => {
      const { clock, attempts, sent, send } = createParts(isReady)
      const calledAtMs = clock.now()
      clock.advance(timeoutMs)
      expect(await rejectedNow(attempts.run(send, calledAtMs))).toMatchObject(unavailable)
      expect(sent).toEqual([])
    },
  )

  it('have one deadline for what a command comes after and for the command', async () => {
    const { clock, attempts, sent, send } = createParts()
    const calledAtMs = clock.now()
    let settle = (): void => {}
    const after = new Promise<void>((resolve) => {
      settle = resolve
    })
    const answer = attempts.waitFor(after, calledAtMs).then(() => attempts.run(send, calledAtMs))
    clock.advance(600)
    settle()
    expect(await rejectedNow(answer)).toBeUndefined()
    expect(sent).toHaveLength(1)
    clock.advance(425)
    expect(await rejectedNow(answer)).toMatchObject(unavailable)
  })

  it('give up what a command comes after, when that takes too long', async () => {
    const { clock, attempts } = createParts()
    const waiting = attempts.waitFor(new Promise(() => {}), clock.now())
    clock.advance(999)
    expect(await rejectedNow(waiting)).toBeUndefined()
    clock.advance(26)
    expect(await rejectedNow(waiting)).toMatchObject(unavailable)
  })
})
