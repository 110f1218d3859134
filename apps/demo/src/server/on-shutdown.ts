const patienceMs = 4_000

/** Closes and ends this process, once, when it is asked to: by Ctrl+C, SIGTERM, or the end of its parent. */
export function onceAsked(close: () => Promise<void>): void {
  let asked = false
  async function end(): Promise<void> {
    if (asked) return
    asked = true
    // Whatever doesn't close in time, a Redis that is away for example, must not keep the process.
    setTimeout(() => process.exit(0), patienceMs).unref()
    await close()
    process.exit(0)
  }
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) {
    process.on(event, () => {
      end().catch((error: unknown) => {
        console.error(error)
        process.exit(1)
      })
    })
  }
}
