/** Says what to try first. */
export function Guide() {
  return (
    <p className="guide">
      Start here: <a href="#message">write a message</a>, <a href="#cut">cut the connection</a>, and
      watch every event arrive anyway, exactly once. The{' '}
      <a href="/trpc/~inspector" target="_blank" rel="noreferrer">
        inspector
      </a>{' '}
      shows what the servers see.
    </p>
  )
}
