// A process that runs the named operation, waits for it, and prints its result. Nothing else keeps
// the process alive.
import { createTRPCUntypedClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend } from '@trpc-sse/server'
import { z } from 'zod'

const [, , name = '', redisUrl = ''] = process.argv
const say = (text: string): void => console.log(text)

function create(backend = memoryBackend()) {
  return createChannels({
    backend,
    channels: { numbers: channel({ event: z.number() }) },
    lingerMs: 60_000,
    onError: (error) => say(`error ${String(error)}`),
  })
}

const onRedis = () =>
  create(redisBackend({ url: redisUrl }, { commandTimeoutMs: 1_000, onError() {} }))

/** Prints a line if something else keeps the process alive. */
function sayLater(then: () => void = () => {}): void {
  setTimeout(() => {
    say('still here')
    then()
  }, 300).unref()
}

/** Subscribes to a server that doesn't exist. */
function subscribe(): () => void {
  const client = createTRPCUntypedClient({ links: [sseLink({ url: 'http://127.0.0.1:1' })] })
  return client.subscription('on', undefined, {}).unsubscribe
}

const programs: Readonly<Record<string, () => Promise<unknown>>> = {
  async 'an event of Redis'() {
    const channels = onRedis()
    for await (const [, event] of channels.numbers().subscribe({ replay: 'all' })) {
      say(`event ${event}`)
      break
    }
    await channels.close()
  },
  async 'publish to Redis'() {
    await onRedis().numbers().publish(1)
  },
  async 'publishMany to Redis'() {
    await onRedis().numbers().publishMany([1, 2])
  },
  async 'history of Redis'() {
    await onRedis().numbers().history({ last: 1 })
  },
  async 'lastEventId of Redis'() {
    await onRedis().numbers().lastEventId()
  },
  async 'an event in memory'() {
    const channels = create()
    sayLater(() => void channels.numbers().publish(1))
    for await (const [, event] of channels.numbers().subscribe()) {
      say(`event ${event}`)
      break
    }
  },
  async 'a reconnect of the client link'() {
    const unsubscribe = subscribe()
    sayLater(unsubscribe)
  },
  async 'nothing: an iteration was ended by break'() {
    const channels = create()
    await channels.numbers().publish(1)
    for await (const _ of channels.numbers().subscribe({ replay: 1 })) break
    sayLater()
  },
  async 'nothing: an iteration was ended by its signal'() {
    const channels = create()
    const ended = new AbortController()
    const iterator = channels.numbers().subscribe({ signal: ended.signal })[Symbol.asyncIterator]()
    const next = iterator.next()
    setImmediate(() => ended.abort())
    await next
    sayLater()
  },
  async 'nothing: an iteration was ended by return, while it waited for Redis'() {
    const iterator = onRedis().numbers().subscribe()[Symbol.asyncIterator]()
    const next = iterator.next()
    await iterator.return?.()
    await next
    sayLater()
  },
  async 'nothing: all was closed, while something waited for Redis'() {
    const channels = onRedis()
    const next = channels.numbers().subscribe()[Symbol.asyncIterator]().next()
    await channels.close()
    await next.catch(() => {})
    sayLater()
  },
  async 'nothing: the client link has unsubscribed'() {
    const unsubscribe = subscribe()
    setImmediate(unsubscribe)
  },
}

await programs[name]?.().then(
  () => say('done'),
  (error: unknown) => say(`rejected ${(error as { code?: string }).code}`),
)
