const timeoutMs = 4_000

/** Closes the app and exits, once: on Ctrl+C, SIGTERM, or the exit of the parent process. */
export function onShutdown(close: () => Promise<void>): void {
  let isStopping = false
  async function end(): Promise<void> {
    if (isStopping) return
    isStopping = true
    // Exit even if something doesn't close in time: for example, because Redis is down.
    setTimeout(() => process.exit(0), timeoutMs).unref()
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
