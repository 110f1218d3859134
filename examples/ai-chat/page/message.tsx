import type { UIMessage } from 'ai'
import { textOf } from './trpc.ts'

interface MessageProps {
  readonly message: UIMessage
  /** Whether it is being written. */
  readonly isLive: boolean
  /** Whether its run failed. */
  readonly hasFailed: boolean
}

export function Message({ message, isLive, hasFailed }: MessageProps) {
  const isOpen = message.parts.some((part) => part.type === 'text' && part.state === 'streaming')
  return (
    <article data-role={message.role} data-live={isLive}>
      <h3>{message.role === 'user' ? 'You' : 'Answer'}</h3>
      <p>{textOf(message)}</p>
      {isOpen && !isLive && !hasFailed && <span className="pill">Stopped</span>}
    </article>
  )
}
