import { afterEach, expect, it } from 'vitest'
import { collectTracked } from '../../../../tests/support/runs.ts'
import { createTextRuns, words } from '../../../../tests/support/text-runs.ts'

let polluted: string | undefined
afterEach(() => {
  if (polluted !== undefined) Reflect.deleteProperty(Object.prototype, polluted)
})

/** Gives all objects a property, as a vulnerable dependency may let attackers do. */
function pollute(name: string, value: unknown): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
  polluted = name
}

/** Follows, produces and stops runs. Returns what each call and each follower got. */
async function useRuns(): Promise<string> {
  const { clock, channels, inTime } = createTextRuns()
  const seen: unknown[] = []
  for (const kind of ['answer', 'job', 'short'] as const) {
    const [completed, stopped, unknown] = ['a', 'b', 'c'].map((id) => channels[kind](id))
    if (!completed || !stopped || !unknown) throw new Error('There are three.')
    const following = collectTracked(completed.follow())
    seen.push(await inTime(completed.produce(words(...'abcdefgh'))), await inTime(following))
    clock.advance(200)
    seen.push(await inTime(stopped.stop()))
    for (const run of [completed, stopped]) seen.push(await inTime(collectTracked(run.follow())))
    for (const run of [completed, stopped, unknown]) seen.push((await run.status()).status)
    seen.push(await stopped.stop())
  }
  return JSON.stringify(seen)
}

it.each(
  ['status', 'reason', 'data', 'type', 'value', 'deltas', 'params', 'error', 'trimmed'].flatMap(
    (name) => ['x', 1].map((value) => [name, value] as const),
  ),
)('runs are the same if Object.prototype.%s is %o', async (name, value) => {
  const expected = await useRuns()
  pollute(name, value)
  expect(await useRuns()).toBe(expected)
})

it.each([
  ['lastEventId', 'x'],
  ['waitForStartMs', 'x'],
] as const)(
  'no follower joins at a wrong place if Object.prototype.%s is %o',
  async (name, value) => {
    const { channels, inTime } = createTextRuns()
    await inTime(channels.answer('a').produce(words('a')))
    pollute(name, value)
    const follow = async (): Promise<unknown> =>
      await inTime(collectTracked(channels.answer('a').follow()))
    await expect(follow()).rejects.toThrow(/event id|waitForStartMs/)
  },
)
