import { expect, it, vi } from 'vitest'
import { range } from '../support/numbers.ts'
import { type App, createApp, kept, names } from './app.ts'
import type { Follower, Got } from './follower.ts'

/** An app that follows logs, in any runtime. */
export type Reader = AsyncDisposable & {
  /** Everything that it has received so far. */
  got(): Promise<Got>
} & {
  [TName in Exclude<keyof Follower, 'got'>]: (
    ...given: Parameters<Follower[TName]>
  ) => Promise<void>
}

/** The properties of a kind of EventSource that a test needs. */
export interface Kind {
  /** The page in which the reader runs, if it runs in one. */
  readonly html?: () => string
  /** Starts a reader for the servers at an address. */
  readonly read: (url: string) => Promise<Reader>
  /** Whether it reports the HTTP status of a failed attempt. */
  readonly saysStatus: boolean
}

/** Waits until a condition holds. */
const until = (isSo: () => Promise<unknown>): Promise<unknown> =>
  vi.waitFor(isSo, { timeout: 30_000 })

async function expectAll(reader: Reader, last: number): Promise<void> {
  const all = Object.fromEntries(names.map((name) => [name, range(1, last)]))
  await until(async () => expect((await reader.got()).numbers).toSatisfy((got) => isAt(got, last)))
  const { numbers, troubles } = await reader.got()
  expect({ numbers, troubles }).toEqual({ numbers: all, troubles: [] })
}

const isAt = (numbers: Got['numbers'], last: number): boolean =>
  names.every((name) => numbers[name]?.at(-1) === last)

/** The cases that every kind of EventSource must pass. */
export function eventSourceCases({ html, read, saysStatus }: Kind): void {
  const start = (): Promise<App> => createApp(html?.())

  it.each(['serve', 'serveStock'] as const)(
    '%s: continues every subscription when it is cut',
    async (serve) => {
      await using app = await start()
      await app[serve]()
      await using reader = await read(app.url)
      await reader.follow(names)
      for (const done of [0, 10, 20]) {
        await app.publish(range(done + 1, done + 5))
        await expectAll(reader, done + 5)
        app.proxy.cut()
        await app.publish(range(done + 6, done + 10))
        await expectAll(reader, done + 10)
      }
    },
  )

  it.each(['serve', 'serveStock'] as const)(
    '%s: continues with a new token when the old one is refused',
    async (serve) => {
      await using app = await start()
      await app[serve]()
      await using reader = await read(app.url)
      await reader.follow(names.slice(0, 1))
      await app.publish([1])
      await until(async () => expect((await reader.got()).numbers).toEqual({ a: [1] }))
      app.expired.add('first')
      app.proxy.cut()
      await app.publish([2, 3])
      await until(async () => expect((await reader.got()).numbers).toEqual({ a: [1, 2, 3] }))
      expect((await reader.got()).troubles).toEqual([])
    },
  )

  it('goes on with every subscription when the server stops answering', async () => {
    await using app = await start()
    await app.serve()
    await using reader = await read(app.url)
    await reader.follow(names)
    await app.publish([1])
    await expectAll(reader, 1)
    app.proxy.stall()
    await app.publish([2, 3])
    await expectAll(reader, 3)
  })

  it('moves from a draining server to the next one, and calls no handler', async () => {
    await using app = await start()
    const first = await app.serve()
    await using reader = await read(app.url)
    await reader.follow(names)
    const { connects } = await reader.got()
    await app.publish(range(1, 5))
    await app.serve()
    // Browsers keep connections open for later requests.
    first.server.close()
    const drained = first.link.drain({ overMs: 300 })
    for (const n of range(6, 30)) await app.publish([n])
    await drained
    await app.publish([31])
    await expectAll(reader, 31)
    expect(first.link.stats().connections).toBe(0)
    expect((await reader.got()).connects).toBe(connects)
  })

  it('reports events that are no longer available, once for each subscription', async () => {
    await using app = await start()
    await app.serve()
    await using reader = await read(app.url)
    await reader.follow(names)
    await app.publish([1])
    await expectAll(reader, 1)
    app.proxy.refusing = true
    app.proxy.cut()
    await app.publish(range(2, kept + 10))
    app.proxy.refusing = false
    await until(async () =>
      expect((await reader.got()).numbers).toSatisfy((got) => isAt(got, kept + 10)),
    )
    const { numbers, troubles } = await reader.got()
    expect(numbers).toEqual(
      Object.fromEntries(names.map((name) => [name, [1, ...range(11, kept + 10)]])),
    )
    expect(troubles).toEqual(['trimmed', 'trimmed'])
  })

  it.each(['serve', 'serveStock'] as const)(
    '%s: has untracked values, the end, and errors of procedures',
    async (serve) => {
      await using app = await start()
      await app[serve]()
      await using reader = await read(app.url)
      await reader.followOthers()
      const all = ['good', 'better', 'complete', 'this far', 'UNAUTHORIZED']
      await until(async () => expect((await reader.got()).others).toHaveLength(all.length))
      expect((await reader.got()).others).toEqual(expect.arrayContaining(all))
    },
  )

  it.runIf(saysStatus)('ends with the error of a gateway that refuses it', async () => {
    await using app = await start()
    await app.serve()
    await using reader = await read(app.url)
    await reader.askGateway()
    await until(async () => expect((await reader.got()).troubles).toHaveLength(1))
    expect((await reader.got()).troubles).toEqual([
      expect.stringContaining('The server answered 401'),
    ])
  })
}
