import http from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { forEachChannel, get } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'

/** better-sse: a session for each request, registered with a channel. */
export function createTarget({ channels }: TargetSettings): Target {
  const all = forEachChannel(channels, () => createChannel())
  async function answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const session = await createSession(request, response)
    all[Number(request.url?.slice(1))]?.register(session)
  }
  return {
    server: http.createServer((request, response) => void answer(request, response)),
    requests: () => forEachChannel(channels, (channel) => get(`/${channel}`)),
    subscribed: () => all.reduce((sum, { sessionCount }) => sum + sessionCount, 0),
    publish: (event, channel) =>
      all[channel]?.broadcast(event, 'message', { eventId: String(event.n) }),
  }
}
