/** A place on the board: a share of its width and height. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Sends where a pointer is. */
export interface Pointer {
  /** The pointer is there now; `undefined` if it has left. */
  to(point: Point | undefined): void
}

/** Options of {@link createPointer}. */
export interface PointerOptions {
  /** Calls back with the next frame. */
  nextFrame(callback: () => void): void
  send(point: Point | undefined): Promise<void>
}

/**
 * Creates a pointer. It sends the newest position only: at most one in each frame, and one request
 * at a time.
 */
export function createPointer({ nextFrame, send }: PointerOptions): Pointer {
  let newest: { readonly point: Point | undefined } | undefined
  let isSending = false

  function sendNewest(): void {
    if (isSending || newest === undefined) return
    const { point } = newest
    newest = undefined
    isSending = true
    send(point).then(sent, sent)
  }

  // A position that is lost does no harm: the next one follows.
  function sent(): void {
    isSending = false
    if (newest !== undefined) nextFrame(sendNewest)
  }

  return {
    to(point) {
      newest = { point }
      nextFrame(sendNewest)
    },
  }
}
