// Measures presence: a room with 10,000 members on two instances, of whom 500 a second join or leave,
// and ten readers on a third. Then one instance is killed. Run it with
// `node tests/presence/figures.ts`.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { createTRPCClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type AppRouter, createApp } from './app.ts'

const room = 'stadium'
const members = 10_000
const churnPerSecond = 500
const seconds = 20
const readers = 10
/** The maximum number of subscriptions on one connection is higher. */
const perConnection = 500

interface Costs {
  readonly cpu: { readonly user: number; readonly system: number }
  readonly bytes: number
}

async function costsOf({ child }: ChildServer): Promise<Costs> {
  child.send('costs')
  const [costs] = await once(child, 'message')
  return costs as Costs
}

async function redisMs({ admin }: RedisServer): Promise<number> {
  const info = await admin.info('cpu')
  const numbers = ['used_cpu_sys', 'used_cpu_user'].map((name) =>
    Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]),
  )
  return numbers.reduce((sum, one) => sum + one, 0) * 1_000
}

const connect = (url: string) =>
  createTRPCClient<AppRouter>({ links: [sseLink({ url, retry: { baseMs: 100 } })] })

const percent = (ms: number): string => `${((ms / (seconds * 1_000)) * 100).toFixed(1)} %`

await using stack = new AsyncDisposableStack()
const redis = stack.use(await startRedis())
const module = new URL('./server.ts', import.meta.url)
const start = async (): Promise<ChildServer> =>
  stack.use(await startChildServer(module, { REDIS_URL: redis.url }))
const [first, second, third] = await Promise.all([start(), start(), start()])
const { channels } = createApp(redis.url)
stack.defer(() => channels.close())
const { presence } = channels.room(room)
const keys = async (): Promise<string[]> => (await presence.entries()).entries.map(([key]) => key)

// Members have connections of 500 subscriptions each; readers have one each.
const clients = range(1, members / perConnection).map((i) =>
  connect(`http://127.0.0.1:${(i % 2 ? first : second).port}`),
)
let joined = 0
const leaves: Array<() => void> = []
function join(): void {
  const user = `user ${++joined}`
  const held = clients[joined % clients.length]?.onHold.subscribe({ room, user }, {})
  leaves.push(() => held?.unsubscribe())
}
for (let i = 0; i < members; i++) {
  join()
  if (i % 250 === 0) await setTimeout(50)
}
while ((await keys()).length < members) await setTimeout(500)
let changes = 0
for (let i = 0; i < readers; i++) {
  connect(`http://127.0.0.1:${third.port}`).onRoom.subscribe(
    { room },
    {
      onData({ data }) {
        if (data.type === 'event') changes += 1
      },
    },
  )
}
await setTimeout(5_000)

const before = [await redisMs(redis), await costsOf(first), await costsOf(third)] as const
changes = 0
for (let tick = 0; tick < seconds * 10; tick++) {
  for (let i = 0; i < churnPerSecond / 20; i++) {
    join()
    leaves.shift()?.()
  }
  await setTimeout(100)
}
const after = [await redisMs(redis), await costsOf(first), await costsOf(third)] as const
const cpuMs = (i: 1 | 2): number =>
  (after[i].cpu.user + after[i].cpu.system - before[i].cpu.user - before[i].cpu.system) / 1_000
console.log(`members ${members}, ${churnPerSecond} joins and leaves a second, ${seconds} s`)
console.log(`CPU of Redis: ${percent(after[0] - before[0])} of a core`)
console.log(`CPU of an instance with half of the members: ${percent(cpuMs(1))}`)
console.log(`CPU of an instance with ${readers} readers: ${percent(cpuMs(2))}`)
const perReader = (after[2].bytes - before[2].bytes) / readers
console.log(`bytes per reader and second: ${Math.round(perReader / seconds)}`)
console.log(`changes per reader and second: ${Math.round(changes / readers / seconds)}`)

// Wait for the grace of those who have left, and kill an instance.
await setTimeout(5_000)
const there = new Set(await keys())
const stay = new Set([...there].filter((key) => (Number(key.slice(5)) % clients.length) % 2 === 1))
await first.kill()
const killedAt = performance.now()
let now = await keys()
while (now.length > stay.size && performance.now() - killedAt < 15_000) {
  await setTimeout(500)
  now = await keys()
}
const left = new Set(now)
console.log(`killed: its members had left after ${Math.round(performance.now() - killedAt)} ms`)
console.log(`ghosts: ${now.filter((key) => !stay.has(key)).length}`)
console.log(`false leaves: ${[...stay].filter((key) => !left.has(key)).length}`)
process.exit()
