import http from 'node:http'
import { Redis } from 'ioredis'
import { createResumableStreamContext } from 'resumable-stream/ioredis'
import { createAnswer } from './answer.ts'
import { get } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

/** Vercel's `resumable-stream`, as in its README: one answer, which each response resumes. */
export function createTarget({ redisUrl }: TargetSettings): Target {
  if (redisUrl === undefined) throw new Error('resumable-stream needs Redis.')
  const context = createResumableStreamContext({
    waitUntil: null,
    publisher: new Redis(redisUrl),
    subscriber: new Redis(redisUrl),
  })
  const { deltas, push } = createAnswer<string>()
  const producing = produce(context.createNewResumableStream('answer', () => deltas))
  let subscribed = 0

  async function follow(response: http.ServerResponse): Promise<void> {
    await producing
    const stream = await context.resumeExistingStream('answer')
    if (!stream) return void response.writeHead(404).end()
    const reader = stream.getReader()
    response.on('close', () => void reader.cancel())
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': connected\n\n')
    subscribed += 1
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return void response.end()
      response.write(value)
    }
  }

  return {
    server: http.createServer((_, response) => void follow(response)),
    requests: () => [get('/')],
    subscribed: () => subscribed,
    publish: (event) => push(`id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n`),
  }
}

/** Resolves once the stream can be resumed. Also reads the stream, as its first response would. */
async function produce(opening: Promise<ReadableStream<string> | null>): Promise<void> {
  const stream = await opening
  void stream?.pipeTo(new WritableStream())
}
