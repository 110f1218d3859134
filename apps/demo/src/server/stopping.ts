const controller = new AbortController()

/** Aborts when this process shuts down: background work stops. */
export const stopping: AbortSignal = controller.signal

/** Stops all background work. */
export function stopBackground(): void {
  controller.abort()
}
