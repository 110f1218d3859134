import type http from 'node:http'
import { initTRPC } from '@trpc/server'
import { expect, it } from 'vitest'
import { listen } from '../../../../tests/support/http.ts'
import { createNextApiHandler } from '../adapters/next.ts'
import { inspector } from './inspector.ts'

// In `tests`, the types of Next.js would change the global ones.
it('is served below the endpoint by the adapter for the Pages API of Next.js', async () => {
  const handle = createNextApiHandler({
    router: initTRPC.create().router({}),
    inspector: inspector({ allow: () => true }),
  })
  const listener: http.RequestListener = (req, res) => {
    const query = { trpc: req.url?.split('/').at(-1) }
    void handle(Object.assign(req, { query, cookies: {}, env: {} }) as never, res as never)
  }
  await using server = await listen(listener)
  const url = `${server.url}/api/trpc/~inspector`
  const page = await fetch(url)
  const asked = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ query: { type: 'streams' } }),
  })
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect([asked.status, await asked.json()]).toEqual([200, { rows: [], total: 0 }])
})
