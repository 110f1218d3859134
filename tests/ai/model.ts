import { setImmediate } from 'node:timers/promises'
import { MockLanguageModelV4 } from 'ai/test'
import { createInbox, type Inbox } from '../support/inbox.ts'

type Stream = Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream']

/** A part of a model's stream. */
export type Part = Stream extends ReadableStream<infer TPart> ? TPart : never

/** The next step of a scripted model. */
type Order =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'end' }
  | { readonly kind: 'fail' | 'break'; readonly error: Error }

/** A model of the AI SDK whose answers the test controls. */
export interface ScriptedModel {
  readonly model: MockLanguageModelV4
  /** Each call's signal, as it begins. */
  readonly calls: Inbox<AbortSignal | undefined>
  /** Makes the model continue with a text. */
  say(text: string): void
  /** Makes it continue with any other part. */
  emit(part: Part): void
  /** Makes it end its answer, or the current step. */
  end(reason?: 'stop' | 'tool-calls'): void
  /** Makes it report an error of a provider. */
  fail(error: Error): void
  /** Breaks its stream. */
  break(error: Error): void
}

/** Returns the last part of a stream. */
export function endOf(reason: 'stop' | 'tool-calls' | 'error'): Part {
  return { type: 'finish', finishReason: { unified: reason, raw: reason }, usage }
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}

export function createScriptedModel(): ScriptedModel {
  const calls = createInbox<AbortSignal | undefined>()
  const orders = createInbox<Order>()
  const emit = (part: Part): void => orders.put({ kind: 'part', part })
  let isSpeaking = false
  const model = new MockLanguageModelV4({
    async doStream({ abortSignal }) {
      calls.put(abortSignal)
      emit({ type: 'stream-start', warnings: [] })
      return { stream: streamOf(orders) }
    },
  })
  return {
    model,
    calls,
    emit,
    say(text) {
      if (!isSpeaking) emit({ type: 'text-start', id: 'text' })
      isSpeaking = true
      emit({ type: 'text-delta', id: 'text', delta: text })
    },
    end(reason = 'stop') {
      if (isSpeaking) emit({ type: 'text-end', id: 'text' })
      isSpeaking = false
      emit(endOf(reason))
      orders.put({ kind: 'end' })
    },
    fail: (error) => orders.put({ kind: 'fail', error }),
    break: (error) => orders.put({ kind: 'break', error }),
  }
}

function streamOf(orders: Inbox<Order>): Stream {
  return new ReadableStream<Part>({
    async pull(controller) {
      const order = await orders.take()
      // Parts of a model arrive in separate turns of the event loop.
      await setImmediate()
      if (order.kind === 'part') controller.enqueue(order.part)
      else if (order.kind === 'break') controller.error(order.error)
      else if (order.kind === 'end') controller.close()
      else {
        controller.enqueue({ type: 'error', error: order.error })
        controller.enqueue(endOf('error'))
        controller.close()
      }
    },
  })
}
