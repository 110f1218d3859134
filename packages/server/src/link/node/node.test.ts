import http from 'node:http'
import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { listen } from '../../../../../tests/support/http.ts'
import { createServerLink } from '../../index.ts'

const t = initTRPC.create()

const router = t.router({
  echo: t.procedure.input((value) => value).mutation(({ input }) => input),
})

describe('link.node', () => {
  it('reads the body of the first request immediately, so that none of its events is missed', async () => {
    const called: string[] = []
    const link = createServerLink({
      router,
      middleware(_req, _res, next) {
        called.push('middleware')
        next()
      },
    })
    const server = http.createServer((req, res) => {
      req.on('newListener', (event) => event === 'data' && called.push('reads'))
      setImmediate(() => called.push('next turn of the event loop'))
      void link.node(req, res)
      called.push('returned')
    })
    await using running = await listen(server)
    const answer = await fetch(`${running.url}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify('hello'),
    })
    expect(await answer.json()).toEqual({ result: { data: 'hello' } })
    expect(called).toEqual(['middleware', 'returned', 'reads', 'next turn of the event loop'])
  })
})
