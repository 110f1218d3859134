import http from 'node:http'
import type { Target } from './target.ts'

/** The floor: `node:http` and nothing else. Each event is one Buffer, written to every response. */
export function createTarget(): Target {
  const responses = new Set<http.ServerResponse>()
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: connected\ndata: {}\n\n')
    responses.add(response)
    response.on('close', () => responses.delete(response))
  })
  return {
    server,
    path: '/',
    publish(event) {
      const frame = Buffer.from(`id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n`)
      for (const response of responses) response.write(frame)
    },
  }
}
