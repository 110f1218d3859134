'use client'

/** Shown when a page can't be rendered. */
export default function PageError({ reset }: { reset: () => void }) {
  return (
    <section className="card notice" role="alert">
      <h1>Something went wrong</h1>
      <p>The server could not make this page.</p>
      <button type="button" className="primary" onClick={reset}>
        Try again
      </button>
    </section>
  )
}
