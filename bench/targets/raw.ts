import http from 'node:http'
import { forEachChannel, get } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

/** The floor: `node:http` and nothing else. Each event is one Buffer, written to every response. */
export function createTarget({ channels }: TargetSettings): Target {
  const subscribers = forEachChannel(channels, () => new Set<http.ServerResponse>())
  let subscribed = 0
  const server = http.createServer((request, response) => {
    const responses = subscribers[Number(request.url?.slice(1))]
    if (!responses) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: connected\ndata: {}\n\n')
    responses.add(response)
    subscribed += 1
    response.on('close', () => {
      responses.delete(response)
      subscribed -= 1
    })
  })
  return {
    server,
    requests: () => forEachChannel(channels, (channel) => get(`/${channel}`)),
    subscribed: () => subscribed,
    publish(event, channel) {
      const frame = Buffer.from(`id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n`)
      for (const response of subscribers[channel] ?? []) response.write(frame)
    },
  }
}
