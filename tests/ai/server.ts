// A server process: chats on the Redis at REDIS_URL, with a model that answers with words. It sends
// its port.
import type { AddressInfo } from 'node:net'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { simulateReadableStream } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { range } from '../support/numbers.ts'
import { createAiApp } from './app.ts'
import { endOf, type Part } from './model.ts'

const model = new MockLanguageModelV4({
  async doStream() {
    const id = 'text'
    const words = range(1, 60).map((word): Part => ({ type: 'text-delta', id, delta: `${word} ` }))
    const chunks: Part[] = [
      { type: 'stream-start', warnings: [] },
      { type: 'text-start', id },
      ...words,
      { type: 'text-end', id },
      endOf('stop'),
    ]
    return { stream: simulateReadableStream({ chunks, chunkDelayInMs: 30 }) }
  },
})

const { channels, router } = createAiApp(model, process.env.REDIS_URL)
const server = createHTTPServer({ router, channels })
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
