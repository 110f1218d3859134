import { initTRPC } from '@trpc/server'
import type { TRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { createChannels, run } from '@trpc-sse/server'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { useRun } from '../index.ts'

const event = z.object({ text: z.string() })
const channels = createChannels({
  channels: {
    answer: run({
      event,
      fold: { initial: '', apply: (text, delta) => text + delta.text },
    }),
    job: run({ event: z.number() }),
  },
})
const t = initTRPC.create()
const router = t.router({
  onAnswer: t.procedure.subscription((opts) => channels.answer().follow(opts)),
  onJob: t.procedure.subscription((opts) => channels.job().follow(opts)),
})
declare const trpc: TRPCOptionsProxy<typeof router>
const onAnswer = trpc.onAnswer.subscriptionOptions()
const onJob = trpc.onJob.subscriptionOptions()

describe('useRun', () => {
  it('has the value of the fold, and applies deltas to it', () => {
    const answer = useRun(onAnswer, {
      apply(text, delta) {
        expectTypeOf(text).toEqualTypeOf<string>()
        expectTypeOf(delta).toEqualTypeOf<{ text: string }>()
        return text + delta.text
      },
    })
    expectTypeOf(answer.value).toEqualTypeOf<string | undefined>()
    expectTypeOf(answer.status).toEqualTypeOf<
      | 'idle'
      | 'connecting'
      | 'running'
      | 'completed'
      | 'stopped'
      | 'failed'
      | 'abandoned'
      | 'none'
      | 'error'
    >()
    expectTypeOf(answer.stop).toEqualTypeOf<() => Promise<void>>()
    // @ts-expect-error a value is needed for each delta
    useRun(onAnswer)
    // @ts-expect-error the value is text
    useRun(onAnswer, { apply: () => 5 })
    // @ts-expect-error no such field
    useRun(onAnswer, { apply: (text, delta) => text + delta.nothing })
  })

  it('has the deltas of a run without a fold', () => {
    expectTypeOf(useRun(onJob).value).toEqualTypeOf<readonly number[]>()
    expectTypeOf(useRun(onJob, { stop: async () => {} }).value).toEqualTypeOf<readonly number[]>()
    // @ts-expect-error there is no value to apply deltas to
    useRun(onJob, { apply: (sum: number, delta: number) => sum + delta })
  })
})
