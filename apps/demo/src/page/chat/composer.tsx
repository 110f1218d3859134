import { type ChangeEvent, type FormEvent, useEffect, useState } from 'react'
import { limits } from '../../shared/limits.ts'
import { trpc } from '../live/client.ts'
import { type Status, useStatus } from '../live/status.ts'
import { Problem } from '../ui/action-button.tsx'
import { SendIcon } from '../ui/icons.tsx'
import { useAction } from '../ui/use-action.ts'
import { useTypingSignal } from './use-typing-signal.ts'

/** Props of {@link Composer}. */
export interface ComposerProps {
  readonly room: string
}

interface Draft {
  readonly text: string
  /** Identifies the message, so that a retry does not store it twice. */
  readonly key: string
}

/** Sends messages. A message that can't be sent stays in the field. */
export function Composer({ room }: ComposerProps) {
  const [draft, setDraft] = useState(() => newDraft())
  const status = useStatus()
  const typing = useTypingSignal(room)
  const send = useAction(async () => {
    await trpc.chat.send.mutate({ room, ...draft })
    // Text typed during the request is the next message.
    setDraft((now) => newDraft(now.text === draft.text ? '' : now.text))
  })
  const [isNextSubmitted, setNextSubmitted] = useState(false)
  const canSend = draft.text.trim() !== ''

  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    if (!canSend) return
    if (send.isRunning) setNextSubmitted(true)
    else send.run()
    typing.stop()
  }

  function onChange({ target }: ChangeEvent<HTMLInputElement>): void {
    setDraft({ ...draft, text: target.value })
    typing.changed(target.value)
  }

  // The next message may be submitted before the previous one is stored.
  useEffect(() => {
    if (!isNextSubmitted || send.isRunning) return
    setNextSubmitted(false)
    if (canSend && !send.hasFailed) send.run()
  }, [isNextSubmitted, canSend, send])

  return (
    <form className="composer" onSubmit={onSubmit}>
      <input
        id="message"
        value={draft.text}
        onChange={onChange}
        placeholder={`Message #${room}`}
        aria-label={`Message to #${room}`}
        maxLength={2_000}
        autoComplete="off"
        aria-describedby={send.hasFailed ? 'message-problem' : undefined}
      />
      <button type="submit" className="button primary send" disabled={!canSend} aria-label="Send">
        <SendIcon />
      </button>
      <Problem id="message-problem">{send.hasFailed && whyNotSent(send.errorCode, status)}</Problem>
    </form>
  )
}

function newDraft(text = ''): Draft {
  return { text, key: crypto.getRandomValues(new Uint32Array(4)).join('-') }
}

function whyNotSent(code: string | undefined, status: Status): string {
  if (code !== 'TOO_MANY_REQUESTS') return notSent[status]
  return `Not sent: ${limits.messages} messages in a minute are the limit. Wait a little.`
}

const notSent: Readonly<Record<Status, string>> = {
  offline: 'Not sent: you are offline. Your text is still here.',
  lost: 'Not sent: the server does not answer. Your text is still here.',
  'backend-away': 'Not sent: Redis does not answer. Your text is still here.',
  connecting: 'Not sent. Your text is still here.',
  live: 'Not sent. Everything is up now, so try again.',
}
