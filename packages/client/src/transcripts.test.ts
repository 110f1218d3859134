import type { SseMessage } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import type { News } from '../../../tests/support/follow.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { subscribe } from '../../../tests/support/subscribe.ts'
import { readVectors } from '../../../tests/support/vectors.ts'

interface Transcript {
  readonly name: string
  readonly from?: string
  readonly stream: SseMessage[]
  readonly news: News[]
  readonly lastEventId?: string
  readonly reconnectAfterMs?: number
}

const transcripts = readVectors<Transcript[]>('single')
/** Half of the spread, because the test's random numbers are always 0.5. */
const spreadMs = { ofMove: 50, ofLoss: 125 }

it.each(transcripts)('reads $name', async ({ from, stream, news }) => {
  await using server = await scriptedServer()
  const { nextMany } = subscribe(server, { input: from && { lastEventId: from } })
  const request = await server.request()
  expect(request.query.get('lastEventId')).toBe(from ?? null)
  request.openSilently().send(...stream)
  const received = await nextMany(news.length)
  expect(
    received.map(([event, detail]) => [event, detail instanceof Error ? detail.message : detail]),
  ).toEqual(
    news.map(([event, detail]) => [
      event,
      event === 'gap' ? expect.objectContaining(detail) : detail,
    ]),
  )
})

const goingOn = transcripts.filter(
  ({ news }) => !['complete', 'error'].includes(news.at(-1)?.[0] ?? ''),
)

it.each(goingOn)(
  'continues after $name',
  async ({ from, stream, lastEventId, reconnectAfterMs }) => {
    await using server = await scriptedServer()
    const { clock } = subscribe(server, { input: from && { lastEventId: from } })
    const request = await server.request()
    request
      .openSilently()
      .send(...stream)
      .end()
    const wait =
      reconnectAfterMs === 0 ? spreadMs.ofMove : (reconnectAfterMs ?? 0) + spreadMs.ofLoss
    await clock.due(wait)
    clock.advance(wait)
    const next = await server.request()
    expect(next.query.get('lastEventId')).toBe(lastEventId ?? null)
  },
)
