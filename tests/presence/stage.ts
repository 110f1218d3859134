import { setTimeout } from 'node:timers/promises'
import { createTRPCClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import type { StateChange } from '@trpc-sse/server'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { type Door, openDoor } from '../support/door.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type AppRouter, createApp } from './app.ts'

/** A tab of a user. */
export interface Tab {
  /** Resolves when it has its first snapshot. */
  readonly opened: Promise<void>
  close(): void
}

/** Two instances on one Redis, behind a door, and somebody who watches the room. */
export interface Stage extends AsyncDisposable {
  readonly redis: RedisServer
  readonly instances: readonly [ChildServer, ChildServer]
  readonly door: Door
  /** The changes of the room that the watcher got. */
  readonly changes: readonly StateChange<unknown>[]
  members(): Promise<readonly string[]>
  /** Lets time pass in which something must not happen. */
  wait(ms: number): Promise<void>
  /** Opens a tab at an address. */
  openTab(url: string, user: string): Tab
}

export async function setStage(room: string): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const module = new URL('./server.ts', import.meta.url)
  const start = async (): Promise<ChildServer> =>
    stack.use(await startChildServer(module, { REDIS_URL: redis.url }))
  const instances = await Promise.all([start(), start()])
  const door = stack.use(await openDoor(instances.map(({ port }) => port)))
  const { channels } = createApp(redis.url)
  stack.defer(() => channels.close())
  const { presence } = channels.room(room)
  const changes: StateChange<unknown>[] = []
  const over = new AbortController()
  stack.defer(() => over.abort())
  void (async () => {
    for await (const [, item] of presence.live({ signal: over.signal }))
      if (item.type === 'event') changes.push(item.data)
  })()
  return {
    redis,
    instances,
    door,
    changes,
    async members() {
      return (await presence.entries()).entries.map(([key]) => key).sort()
    },
    async wait(ms) {
      await setTimeout(ms)
    },
    openTab(url, user) {
      const retry = { baseMs: 20, maxMs: 200 }
      const client = createTRPCClient<AppRouter>({ links: [sseLink({ url, retry })] })
      let close = (): void => {}
      const opened = new Promise<void>((resolve) => {
        const tab = client.onMember.subscribe({ room, user }, { onData: () => resolve() })
        close = () => tab.unsubscribe()
      })
      stack.defer(close)
      return { opened, close }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
