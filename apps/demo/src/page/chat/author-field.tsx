/** Props of {@link AuthorField}. */
export interface AuthorFieldProps {
  readonly author: string
  onChange(author: string): void
}

/** Edits the name under which messages are sent. */
export function AuthorField({ author, onChange }: AuthorFieldProps) {
  return (
    <label className="author">
      <span>You are</span>
      <input
        value={author}
        onChange={(event) => onChange(event.target.value)}
        maxLength={40}
        autoComplete="nickname"
        spellCheck={false}
        size={Math.max(6, author.length)}
        aria-invalid={author.trim() === ''}
        aria-label="Your name"
      />
    </label>
  )
}
