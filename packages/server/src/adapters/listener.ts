/** What requests come in by: an `http.Server`, for example. */
export interface Listener {
  once(event: 'close', callback: () => void): unknown
}

const waiting = new WeakMap<Listener, (() => void)[]>()

/** Calls back when a listener closes. It may serve many routers: all of them wait for one event. */
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
