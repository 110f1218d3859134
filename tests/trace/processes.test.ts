import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { createChannels } from '@trpc-sse/server'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { useBrowser } from '../support/browsers/browser.ts'
import { openChromium } from '../support/browsers/puppeteer.ts'
import { bundlePage } from '../support/bundle.ts'
import { listen } from '../support/http.ts'
import { startRedis } from '../support/redis.ts'
import type { TracingPage } from './page.ts'
import { recordSteps, type Step, stepsNamed } from './recorder.ts'
import { roomsWith } from './rooms.ts'

declare const page: TracingPage

const browser = useBrowser(openChromium)
const t = initTRPC.create()

/** Serves the room of a Redis, and a page that follows it. */
async function serve(url: string) {
  const { steps, trace } = recordSteps()
  const channels = createChannels({ ...roomsWith(redisBackend({ url })), trace })
  const router = t.router({
    onMessage: t.procedure
      .input(z.object({ id: z.string() }))
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  })
  const html = await bundlePage(new URL('page.ts', import.meta.url).pathname)
  const handler = createHTTPHandler({ router, channels, basePath: '/trpc/' })
  const server = http.createServer((request, response) => {
    if (request.url?.startsWith('/trpc/')) return handler(request, response)
    response.setHeader('content-type', 'text/html').end(html)
  })
  const { url: address } = await listen(server)
  return {
    steps,
    address,
    async [Symbol.asyncDispose]() {
      await channels.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Starts a process that publishes, and collects the steps that it sends. */
async function startPublisher(url: string) {
  const child = fork(new URL('publisher.ts', import.meta.url), [url], { execArgv: [] })
  const steps: Step[] = []
  child.on('message', (message) => {
    if (Array.isArray(message)) steps.push(message as never)
  })
  await once(child, 'message')
  return {
    steps,
    publish: (text: string) => child.send(text),
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

it('an event can be followed from publish in one process, through Redis, to a handler in Chromium', async () => {
  await using redis = await startRedis()
  await using app = await serve(redis.url)
  await using publisher = await startPublisher(redis.url)
  await using tab = await browser().open(app.address)
  await tab.call(() => page.follow())
  publisher.publish('hello')
  const inPage = (): Promise<Step[]> => tab.call(() => page.steps)
  await vi.waitFor(async () => expect(stepsNamed(await inPage(), 'delivered')).toHaveLength(1))
  await vi.waitFor(() => expect(stepsNamed(publisher.steps, 'stored')).toHaveLength(1))

  const id = stepsNamed(publisher.steps, 'stored')[0]?.ids[0] ?? ''
  const withId = (steps: readonly Step[]): string[] =>
    steps.flatMap(([step, facts]) => ('id' in facts && facts.id === id ? [step] : []))
  expect(withId(app.steps)).toEqual(['heard', 'windowed', 'framed', 'sent'])
  expect(withId(await inPage())).toEqual(['received', 'delivered'])
})
