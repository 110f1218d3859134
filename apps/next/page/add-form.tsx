'use client'

/** Adds to the list. The item is shown at once, so the field is free for the next one. */
export function AddForm({ onAdd }: { onAdd: (text: string) => void }) {
  function submit(form: FormData): void {
    const text = `${form.get('text')}`.trim()
    if (text) onAdd(text)
  }
  return (
    <form className="row" action={submit}>
      <input
        name="text"
        aria-label="What to do"
        placeholder="What is to do?"
        required
        maxLength={200}
        autoComplete="off"
      />
      <button type="submit" className="primary">
        Add
      </button>
    </form>
  )
}
