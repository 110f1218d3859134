import { setTimeout } from 'node:timers/promises'
import { MockLanguageModelV4 } from 'ai/test'

type Stream = Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream']
type Part = Stream extends ReadableStream<infer TPart> ? TPart : never

/** A stand-in. On request, it is slow, fails or crashes the server. Use your model here. */
export const model = new MockLanguageModelV4({
  async doStream({ prompt, abortSignal }) {
    const asked = JSON.stringify(prompt.findLast(({ role }) => role === 'user')?.content)
    const parts = speak(asked.toLowerCase(), abortSignal)
    const stream = new ReadableStream<Part>({
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    })
    return { stream }
  },
})

const wordMs = 60
const usage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
}

async function* speak(asked: string, signal: AbortSignal | undefined): AsyncGenerator<Part> {
  const id = 'text'
  yield { type: 'stream-start', warnings: [] }
  yield { type: 'text-start', id }
  const everyMs = asked.includes('slow') ? 10 * wordMs : wordMs
  for (const [i, word] of answerTo(asked)
    .split(/(?<=\s)/)
    .entries()) {
    await setTimeout(everyMs, undefined, { signal })
    if (i === 8 && asked.includes('break')) {
      yield { type: 'error', error: new Error('The model is overloaded.') }
      yield { type: 'finish', finishReason: { unified: 'error', raw: undefined }, usage }
      return
    }
    if (i === 12 && asked.includes('crash')) process.kill(process.pid, 'SIGKILL')
    yield { type: 'text-delta', id, delta: word }
  }
  yield { type: 'text-end', id }
  yield { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage }
}

function answerTo(asked: string): string {
  if (asked.includes('break'))
    return 'Of course. I have a short list of ideas, and the first one is that you see this.'
  if (asked.includes('crash'))
    return 'I am on it. This server ends in the middle of the sentence that you are reading now, and nobody is left to end it.'
  return `This answer is a run on the server, not a response to this page.

Reload the page in the middle: the text stays, and goes on. Open the same address in a second tab, or on your phone, and both show each word. Close the laptop for a minute, and the rest is there when you come back.

Stop it from any of them, and it stops for all: the model, too. What was said by then stays. If the server dies on the way, every tab learns that within seconds, instead of waiting for ever.`
}
