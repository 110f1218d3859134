import { describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { Retries } from './retries.ts'

const timeoutMs = 1_000
const unavailable = { code: 'BACKEND_UNAVAILABLE' }

interface Parts {
  readonly clock: ManualClock
  readonly retries: Retries
  /** The times of the calls of `send`, which never gets a reply. */
  readonly sent: number[]
  readonly send: () => Promise<never>
}

function createParts(isReady = true): Parts {
  const clock = manualClock()
  const sent: number[] = []
  const retries = new Retries({
    clock,
    elapsedMs: clock.now,
    timeoutMs,
    connection: {
      isReady: () => isReady,
      ready: (signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      lastError: () => undefined,
    },
    onUnreachable() {},
  })
  return {
    clock,
    retries,
    sent,
    send() {
      sent.push(clock.now())
      return new Promise(() => {})
    },
  }
}

/** Returns the error of a promise if it has already rejected. */
async function rejectedNow(promise: Promise<unknown>): Promise<unknown> {
  let error: unknown
  promise.catch((reason: unknown) => {
    error = reason
  })
  await new Promise(setImmediate)
  return error
}

function loading(): Error {
  const error = new Error('LOADING Redis is loading the dataset in memory')
  error.name = 'ReplyError'
  return error
}

describe('retries', () => {
  it.each([true, false])(
    'reject when the timeout since the call has passed (connected: %s)',
    async (isReady) => {
      const { clock, retries, send } = createParts(isReady)
      const calledAtMs = clock.now()
      clock.advance(700)
      const answer = retries.run(send, calledAtMs)
      clock.advance(299)
      expect(await rejectedNow(answer)).toBeUndefined()
      clock.advance(1)
      expect(await rejectedNow(answer)).toMatchObject(unavailable)
    },
  )

  it.each([true, false])(
    'send nothing for a call whose timeout has already passed (connected: %s)',
    async (isReady) => {
      const { clock, retries, sent, send } = createParts(isReady)
      const calledAtMs = clock.now()
      clock.advance(timeoutMs)
      expect(await rejectedNow(retries.run(send, calledAtMs))).toMatchObject(unavailable)
      expect(sent).toEqual([])
    },
  )

  it('pass each command the age of the first attempt that Redis may have run', async () => {
    const { clock, retries } = createParts()
    // The first reply proves that Redis didn't run the command. After a lost reply, that is
    // unknown.
    const failures = [loading(), new Error('Connection is closed.'), loading()]
    const doubts: number[] = []
    const reply = retries.run(async (doubtMs) => {
      doubts.push(doubtMs)
      const failure = failures.shift()
      if (failure) throw failure
      return 'stored'
    }, clock.now())
    for (const delayMs of [50, 100, 200]) {
      await clock.due(delayMs)
      clock.advance(delayMs)
    }
    expect(await reply).toBe('stored')
    expect(doubts).toEqual([-1, -1, 100 + timeoutMs, 300 + timeoutMs])
    expect(clock.timers()).toEqual([])
  })

  it('send nothing more once the signal aborts', async () => {
    const { clock, retries, sent, send } = createParts()
    const caller = new AbortController()
    const reply = retries.run(send, clock.now(), caller.signal)
    const reason = new Error('The caller has left.')
    caller.abort(reason)
    await expect(reply).rejects.toBe(reason)
    await expect(retries.run(send, clock.now(), caller.signal)).rejects.toBe(reason)
    expect(sent).toHaveLength(1)
    expect(clock.timers()).toEqual([])
  })

  it('have one deadline for a command and its precondition', async () => {
    const { clock, retries, sent, send } = createParts()
    const calledAtMs = clock.now()
    let settle = (): void => {}
    const after = new Promise<void>((resolve) => {
      settle = resolve
    })
    const answer = retries.waitFor(after, calledAtMs).then(() => retries.run(send, calledAtMs))
    clock.advance(600)
    settle()
    expect(await rejectedNow(answer)).toBeUndefined()
    expect(sent).toHaveLength(1)
    clock.advance(400)
    expect(await rejectedNow(answer)).toMatchObject(unavailable)
  })

  it('reject when a command’s precondition takes too long', async () => {
    const { clock, retries } = createParts()
    const waiting = retries.waitFor(new Promise(() => {}), clock.now())
    clock.advance(999)
    expect(await rejectedNow(waiting)).toBeUndefined()
    clock.advance(1)
    expect(await rejectedNow(waiting)).toMatchObject(unavailable)
  })
})
