import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createTRPCClient, httpLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { expect, it } from 'vitest'
import type { AppRouter } from '../../examples/redis-two-servers/router.ts'
import { startCaddy } from '../support/caddy.ts'
import { type Command, exampleFolder, runCommand } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { range } from '../support/numbers.ts'
import { freePort, startRedis } from '../support/redis.ts'

const folder = exampleFolder('redis-two-servers')
const clients = 120
const unreadyMs = 3_000
const drainOverMs = 5_000

/** Starts a server of the example, and waits until Caddy may send it clients. */
async function startServer(port: number, redisUrl: string): Promise<Command> {
  const server = runCommand(folder, [process.execPath, 'server.ts', `${port}`], {
    REDIS_URL: redisUrl,
    UNREADY_MS: `${unreadyMs}`,
    DRAIN_OVER_MS: `${drainOverMs}`,
  })
  await server.says(new RegExp(`http://localhost:${port}`))
  while ((await ask(`http://127.0.0.1:${port}/readyz`)).status !== 200) await setTimeout(50)
  return server
}

/** Starts three servers of the example behind Caddy, with the example's own Caddyfile. */
async function startFleet(stack: AsyncDisposableStack) {
  const redis = stack.use(await startRedis())
  const ports = [await freePort(), await freePort(), await freePort()]
  const servers = new Map<number, Command>()
  const start = async (port: number): Promise<void> => {
    servers.set(port, stack.use(await startServer(port, redis.url)))
  }
  await Promise.all(ports.map(start))
  const front = await freePort()
  let caddyfile = readFileSync(join(folder, 'deploy/Caddyfile'), 'utf8')
  caddyfile = caddyfile.replace(/^:\d+ \{/m, `http://127.0.0.1:${front} {`)
  for (const [i, port] of ports.entries())
    caddyfile = caddyfile.replace(`app${i + 1}:3000`, `127.0.0.1:${port}`)
  stack.use(await startCaddy(caddyfile))
  const url = `http://127.0.0.1:${front}`
  /** Replaces a server as `docker compose up` does. Resolves to its exit code. */
  async function replace(port: number): Promise<number | null> {
    const child = servers.get(port)?.child
    const exited = child && once(child, 'exit')
    child?.kill('SIGTERM')
    const [code] = (await exited) ?? []
    await start(port)
    // Caddy needs a probe to learn that it is back.
    await setTimeout(1_500)
    return code as number | null
  }
  return { url, ports, replace }
}

/** Subscribes. Counts requests for streams, and collects the numbers that arrive. */
async function subscribe(stack: AsyncDisposableStack, url: string, onOpen: () => void) {
  const link = sseLink({
    url,
    fetch(input, init) {
      const body = String(init?.body)
      if (body.includes('"subscriptions"') && !body.includes('"connectionId"')) onOpen()
      return fetch(input, init)
    },
    onGap: ({ reason }) => numbers.push(`gap: ${reason}`),
  })
  const numbers: string[] = []
  const client = createTRPCClient<AppRouter>({ links: [link] })
  await new Promise<void>((resolve) => {
    const { unsubscribe } = client.onMessage.subscribe(undefined, {
      onStarted: () => resolve(),
      onData: ({ data }) => numbers.push(data.text),
    })
    stack.defer(unsubscribe)
  })
  return numbers
}

it('three instances are replaced under load: nothing is lost, and clients reconnect evenly', async () => {
  await using stack = new AsyncDisposableStack()
  const { url, ports, replace } = await startFleet(stack)
  const openedAtMs: number[] = []
  const onOpen = (): void => void openedAtMs.push(performance.now())
  const received = await Promise.all(range(1, clients).map(() => subscribe(stack, url, onOpen)))

  let sent = 0
  let isOver = false
  const publishing = (async () => {
    const publisher = createTRPCClient<AppRouter>({ links: [httpLink({ url })] })
    // Every request of the deploy succeeds, those that aren't repeated included.
    while (!isOver) {
      await publisher.send.mutate({ id: crypto.randomUUID(), author: 'ann', text: `${sent + 1}` })
      sent += 1
      await setTimeout(20)
    }
  })()
  const before = openedAtMs.length
  const codes = []
  for (const port of ports) codes.push(await replace(port))
  isOver = true
  await publishing

  expect(codes).toEqual([0, 0, 0])
  const all = range(1, sent).map(String)
  await expect.poll(() => received.every(({ length }) => length >= sent)).toBe(true)
  for (const numbers of received) expect(numbers).toEqual(all)

  const reconnects = openedAtMs.slice(before)
  const mean = reconnects.length / ((ports.length * drainOverMs) / 1_000)
  const peak = Math.max(
    ...reconnects.map(
      (at) => reconnects.filter((other) => other >= at && other < at + 1_000).length,
    ),
  )
  console.log({ sent, reconnects: reconnects.length, mean, peak, ratio: peak / mean })
  expect(peak).toBeLessThanOrEqual(2 * mean)
}, 120_000)
