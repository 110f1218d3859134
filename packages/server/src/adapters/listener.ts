/** Accepts requests: an `http.Server`, for example. */
export interface Listener {
  once(event: 'close', callback: () => void): unknown
}

const waiting = new WeakMap<Listener, (() => void)[]>()

/**
 * Calls back when a listener closes. Only one event listener is added, however many routers it
 * serves.
 */
export function onClose(listener: Listener, callback: () => void): void {
  const others = waiting.get(listener)
  if (others) return void others.push(callback)
  const all = [callback]
  waiting.set(listener, all)
  listener.once('close', () => {
    waiting.delete(listener)
    for (const each of all) each()
  })
}
