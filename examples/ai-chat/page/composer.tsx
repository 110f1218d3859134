import { type FormEvent, type KeyboardEvent, useRef } from 'react'

interface ComposerProps {
  readonly isBusy: boolean
  readonly onSend: (text: string) => void
  readonly onStop: () => void
}

export function Composer({ isBusy, onSend, onStop }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null)

  function send(event: FormEvent): void {
    event.preventDefault()
    const text = field.current?.value.trim()
    if (!text || isBusy || !field.current) return
    field.current.value = ''
    onSend(text)
  }

  function sendByKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) send(event)
  }

  return (
    <form onSubmit={send}>
      <textarea
        ref={field}
        rows={1}
        maxLength={4_000}
        aria-label="Your question"
        placeholder="Ask something"
        onKeyDown={sendByKey}
      />
      {isBusy ? (
        <button type="button" className="primary" onClick={onStop}>
          Stop <kbd>Esc</kbd>
        </button>
      ) : (
        <button type="submit" className="primary">
          Send
        </button>
      )}
    </form>
  )
}
