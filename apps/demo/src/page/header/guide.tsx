/** Says what to try first. */
export function Guide() {
  return (
    <p className="guide">
      Start here: <a href="#message">write a message</a>, <a href="#cut">cut the connection</a>, and
      watch every event arrive anyway, exactly once.
    </p>
  )
}
