import { getRequestListener } from '@hono/node-server'
import { handle, Realtime } from '@upstash/realtime'
import { RealtimeProvider, useRealtime } from '@upstash/realtime/client'
import { Redis } from '@upstash/redis'
import { EventSource } from 'eventsource'
import { createElement, type ReactNode, useEffect } from 'react'
import { z } from 'zod'
import { createHeadlessRoot } from '../../support/headless-react.ts'
import type { FollowHandlers, Peer, PeerHost, PeerInstance } from './peer.ts'
import { startUpstashApi } from './upstash-api.ts'

const schema = {
  soak: { number: z.object({ publisher: z.string(), n: z.number(), attempt: z.number() }) },
}

async function serve({ redisUrl }: PeerHost): Promise<PeerInstance> {
  const redis = new Redis({ url: redisUrl, token: 'local' })
  const realtime = new Realtime({ schema, redis })
  const listener = getRequestListener(handle({ realtime }))
  return {
    handle: (request, response) => void listener(request, response),
    publish: (event) => realtime.emit('soak.number', event),
    async close() {},
  }
}

/** A component of a page that shows events. */
function Numbers({ onEvent, onNotice }: FollowHandlers): ReactNode {
  const { status } = useRealtime({
    events: ['soak.number'],
    onData: ({ data }) => onEvent(schema.soak.number.parse(data)),
  })
  useEffect(() => {
    if (status === 'error') onNotice()
  }, [status, onNotice])
  return null
}

function follow(url: string, handlers: FollowHandlers): () => void {
  // The hooks take the browser's own.
  Object.assign(globalThis, { EventSource })
  const api = { url: `${url}/api/realtime` }
  const { root } = createHeadlessRoot()
  root.render(createElement(RealtimeProvider, { api, children: createElement(Numbers, handlers) }))
  return () => root.unmount()
}

export const upstash: Peer = {
  name: 'Upstash Realtime',
  packages: ['@upstash/realtime', '@upstash/redis'],
  how: '`Realtime` and its hooks, over a local stand-in for the HTTP API of Upstash',
  notice: 'status `error`: it has given up',
  docs: [
    'https://upstash.com/docs/realtime/overall/quickstart',
    'https://upstash.com/docs/realtime/features/history',
  ],
  startStore: startUpstashApi,
  serve,
  follow,
}
