import { isRealtimeError } from '@trpc-sse/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type MultiplexedClient, multiplexedClient } from '../../../../tests/support/multiplexed.ts'
import {
  type Exchange,
  type ScriptedServer,
  scriptedServer,
} from '../../../../tests/support/scripted-server.ts'

afterEach(() => vi.restoreAllMocks())

/** Lets an attempt time out and the wait after it pass, unless a request arrives first. */
async function timeOut({ clock }: MultiplexedClient, server: ScriptedServer): Promise<Exchange> {
  const asked = await server.request()
  clock.advance(15_000)
  await asked.gone
  return asked
}

async function setup(server: ScriptedServer) {
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  const codes: unknown[] = []
  const client = multiplexedClient(server)
  const followed = client.follow('a', undefined, {
    onConnectionStateChange({ error }) {
      if (isRealtimeError(error?.cause)) codes.push(error.cause.code)
    },
  })
  await timeOut(client, server)
  await client.clock.due(125)
  expect([codes, server.count()]).toEqual([['CONNECT_TIMEOUT'], 1])
  client.clock.advance(125)
  await timeOut(client, server)
  const probe = await server.request()
  expect([probe.method, probe.path]).toEqual(['HEAD', '/~sse'])
  return { ...client, followed, codes, warn, probe }
}

describe('P39: two attempts in a row without a byte', () => {
  it('while another request is answered: a proxy holds responses back, and short streams are requested', async () => {
    await using server = await scriptedServer()
    const { clock, codes, warn, probe, followed } = await setup(server)
    probe.answer(204)
    await clock.due(250)
    expect(codes).toEqual(['CONNECT_TIMEOUT', 'RESPONSE_BUFFERED'])
    expect(warn).toHaveBeenCalledOnce()
    clock.advance(250)
    const short = await server.request()
    expect(JSON.parse(await short.body())).toMatchObject({ maxDurationMs: 5_000 })
    clock.advance(5_000)
    short
      .openSilently()
      .send(
        { event: '$connected', data: '{"connectionId":"one"}' },
        { event: '$reconnect', data: '{"reason":"max-duration"}' },
      )
    // This isn't a failure: the next stream follows soon, and is also short, until one begins at
    // once.
    await clock.due(50)
    short.end()
    clock.advance(50)
    const quick = await server.request()
    expect(JSON.parse(await quick.body())).toMatchObject({ maxDurationMs: 5_000 })
    quick
      .openSilently()
      .send(
        { event: '$connected', data: '{"connectionId":"two"}' },
        { event: '$ping', data: '' },
        { event: '$reconnect', data: '{"reason":"max-duration"}' },
      )
    await clock.due(50)
    clock.advance(50)
    const long = await server.request()
    expect(JSON.parse(await long.body())).not.toHaveProperty('maxDurationMs')
    followed.unsubscribe()
  })

  it('while no other request is answered: there is no proxy', async () => {
    await using server = await scriptedServer()
    const { clock, codes, warn, probe } = await setup(server)
    probe.cut()
    await clock.due(250)
    expect([codes, warn.mock.calls]).toEqual([['CONNECT_TIMEOUT', 'CONNECT_TIMEOUT'], []])
  })

  it('while another request is not answered either: there is no proxy', async () => {
    await using server = await scriptedServer()
    const { clock, codes, probe } = await setup(server)
    await clock.due(5_000)
    clock.advance(5_000)
    await probe.gone
    await clock.due(250)
    expect(codes).toEqual(['CONNECT_TIMEOUT', 'CONNECT_TIMEOUT'])
  })

  it('while the script that would check cannot be loaded: they stay timeouts', async () => {
    vi.resetModules()
    vi.doMock('./probe.ts', () => {
      throw new Error('404')
    })
    try {
      await using server = await scriptedServer()
      const client = multiplexedClient(server)
      client.follow('a')
      await timeOut(client, server)
      await client.clock.due(125)
      client.clock.advance(125)
      await timeOut(client, server)
      await client.clock.due(250)
      client.clock.advance(250)
      const third = await server.request()
      expect([third.method, JSON.parse(await third.body()).maxDurationMs]).toEqual([
        'POST',
        undefined,
      ])
    } finally {
      vi.doUnmock('./probe.ts')
    }
  })
})
