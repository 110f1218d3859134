/** Wakes a waiting loop. A wake just before the wait also counts. */
export function createWakeup(signal: AbortSignal) {
  let isAwake = false
  let resume: (() => void) | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  function wake(): void {
    isAwake = true
    resume?.()
  }
  return {
    wake,
    /** Resolves when it is woken, when the signal aborts, or after `ms` milliseconds. */
    async wait(ms: number): Promise<void> {
      if (!isAwake && !signal.aborted) {
        signal.addEventListener('abort', wake, { once: true })
        await new Promise<void>((resolve) => {
          resume = resolve
          timer = setTimeout(resolve, ms)
        })
        signal.removeEventListener('abort', wake)
        clearTimeout(timer)
      }
      isAwake = false
    },
  }
}
