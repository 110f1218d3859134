import { toUIMessage } from '@trpc-sse/ai/ai-sdk'
import type { UIMessage } from 'ai'
import { channels } from './channels.ts'

/** A chat as it is stored. */
export interface Transcript {
  /** The questions, and the answers of runs that have ended. */
  readonly messages: UIMessage[]
  /** The run of the last question, unless its answer is complete or was stopped. */
  readonly runId: string | null
  /** The position after which further turns follow. */
  readonly lastEventId: string | null
}

export async function readTranscript(chatId: string): Promise<Transcript> {
  const { events, lastEventId } = await channels.turns({ chatId }).history({ last: 100 })
  // A question that was asked again counts once, with the last run.
  const turns = new Map(events.map(({ data }) => [data.question.id, data]))
  const answers = await Promise.all(
    [...turns.values()].map(async ({ runId, question }) => {
      const { status, value } = await channels.answer({ chatId, runId }).status()
      return { runId, question, status, message: await toUIMessage(value) }
    }),
  )
  const last = answers.at(-1)
  const isOver = !last || last.status === 'completed' || last.status === 'stopped'
  return {
    messages: answers.flatMap(({ question, status, message }) => {
      const asked: UIMessage = {
        id: question.id,
        role: 'user',
        parts: [{ type: 'text', text: question.text }],
      }
      // The page gets the text of an unfinished run from the run itself.
      return message && status !== 'running' ? [asked, message] : [asked]
    }),
    runId: isOver ? null : last.runId,
    lastEventId: lastEventId ?? null,
  }
}
