// A client that uses the packed packages. Its arguments are the addresses of servers that
// `server.ts` started. It fails unless it gets every event once, in order.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import type { ControlRouter, NewsRouter } from './server.ts'

type Control = ReturnType<typeof createTRPCClient<ControlRouter>>

/**
 * Opens a stream without reading it. `readUntil` then reads, and resolves once it has read the
 * text.
 */
async function openSlow(url: string): Promise<{ readUntil(text: string): Promise<void> }> {
  const request = http.get(url, { agent: false })
  const [response]: [http.IncomingMessage] = (await once(request, 'response')) as never
  response.on('error', () => {})
  return {
    async readUntil(text) {
      let read = ''
      for await (const chunk of response) {
        read = read.slice(-text.length) + chunk
        if (read.includes(text)) return void request.destroy()
      }
      assert.fail('The stream ended.')
    },
  }
}

interface Course {
  readonly adapter: Awaited<ReturnType<Control['adapters']['query']>>[number]
  readonly backend: 'memory' | 'redis'
  readonly mode: 'multiplexed' | 'single'
}

/** Follows a channel while everything happens that may happen to its connection. */
async function run(control: Control, { adapter, backend, mode }: Course): Promise<void> {
  const port = await control.open.mutate({ adapter, backend })
  const url = `http://127.0.0.1:${port}/trpc`
  const got: number[] = []
  const problems: unknown[] = []
  let wake = (): void => {}
  const client = createTRPCClient<NewsRouter>({
    links: [
      sseLink({ url, mode, retry: { baseMs: 10, maxMs: 40 }, onGap: (gap) => problems.push(gap) }),
    ],
  })
  const subscription = client.onNews.subscribe(undefined, {
    onData({ data }) {
      got.push(Number.parseInt(data, 10))
      wake()
    },
    onError: (error) => problems.push(error),
  })
  let published = 0
  async function publish(count: number, bytes = 10): Promise<void> {
    await control.publish.mutate({ port, from: published, count, bytes })
    published += count
    while (got.length < published && problems.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    assert.deepEqual(problems, [])
    assert.deepEqual(got, [...Array(published).keys()])
  }
  await publish(2)
  await control.cut.mutate(port)
  await publish(2)
  if (adapter === 'standalone' && backend === 'memory' && mode === 'single') {
    const slow = await openSlow(`${url}/onNews`)
    // More than the buffers of two sockets can hold.
    for (let i = 0; i < 8; i++) await publish(15, 65_536)
    await slow.readUntil(`data: "${published - 1} `)
  }
  await control.redeploy.mutate(port)
  await publish(2)
  subscription.unsubscribe()
}

async function runAll(url: string): Promise<number> {
  const control = createTRPCClient<ControlRouter>({ links: [httpBatchLink({ url })] })
  const adapters = await control.adapters.query()
  const courses = (['multiplexed', 'single'] as const).flatMap((mode): Course[] => [
    ...adapters.map((adapter): Course => ({ adapter, backend: 'memory', mode })),
    { adapter: 'standalone', backend: 'redis', mode },
  ])
  const results = await Promise.allSettled(
    courses.map(async (course) => {
      try {
        await run(control, course)
      } catch (cause) {
        throw new Error(`${url}: ${JSON.stringify(course)}: ${cause}`, { cause })
      }
    }),
  )
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  for (const reason of failed) console.error(reason)
  return failed.length
}

const failures = await Promise.all(process.argv.slice(2).map(runAll))
process.exit(failures.some(Boolean) ? 1 : 0)
