/** An object that accepts requests, such as an `http.Server`. */
export interface Listener {
  once(event: 'close', callback: () => void): unknown
}

const waiting = new WeakMap<Listener, (() => void)[]>()

/**
 * Calls `callback` when a listener closes. Adds only one event listener, however many callbacks
 * there are.
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
