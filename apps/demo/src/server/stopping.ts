const controller = new AbortController()

/** Aborts when this process is about to end: what runs in the background stops. */
export const stopping: AbortSignal = controller.signal

/** Tells everything in the background to stop. */
export function stopBackground(): void {
  controller.abort()
}
