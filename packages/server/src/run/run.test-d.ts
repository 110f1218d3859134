import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createChannels } from '../channels.ts'
import type { SubscriptionEvent } from '../subscription/subscription.ts'
import { run } from './definition.ts'

const channels = createChannels({
  channels: {
    answer: run({
      event: z.object({ text: z.string() }),
      fold: { initial: '', apply: (value, { text }) => value + text },
    }),
    job: run({ event: z.number() }),
    import: run({
      params: z.object({ user: z.string(), size: z.coerce.number() }),
      event: z.null(),
      index({ user, size }) {
        expectTypeOf(size).toBeNumber()
        return user
      },
    }),
  },
})

type Mark = { readonly type: 'caught-up' }
type End = {
  readonly type: 'end'
  readonly status: 'completed' | 'stopped' | 'failed' | 'abandoned' | 'none'
  readonly reason?: string
}

describe('what a follower gets', () => {
  it('has the fold’s value, deltas, the mark and the end', () => {
    const following = channels.answer().follow()
    expectTypeOf<SubscriptionEvent<typeof following>>().toEqualTypeOf<
      | { readonly type: 'fold'; readonly value: string }
      | { readonly type: 'delta'; readonly data: { text: string } }
      | Mark
      | End
    >()
  })

  it('has no fold if the run has none', () => {
    const following = channels.job().follow()
    expectTypeOf<SubscriptionEvent<typeof following>>().toEqualTypeOf<
      { readonly type: 'delta'; readonly data: number } | Mark | End
    >()
  })
})

it('active runs have the params that a handle takes', () => {
  const active = channels.import.active('user')
  expectTypeOf(active.list)
    .returns.resolves.items.toHaveProperty('params')
    .toEqualTypeOf<Parameters<typeof channels.import>[0]>()
  const following = active.live()
  expectTypeOf<SubscriptionEvent<typeof following>['type']>().toEqualTypeOf<'snapshot' | 'event'>()
})

it('`status` has a value if the run has a fold', () => {
  expectTypeOf(channels.answer().status).returns.resolves.toHaveProperty('value').toBeString()
  expectTypeOf(channels.job().status).returns.resolves.toHaveProperty('value').toBeUndefined()
})
