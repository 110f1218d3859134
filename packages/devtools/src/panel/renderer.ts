import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** The shortest time between two renderings, in milliseconds. */
const minIntervalMs = 100

/** Renders in the frames of an element's window, however often it is asked to. */
export class Renderer {
  readonly #host: HTMLElement
  readonly #clock: Clock
  readonly #elapsed: () => number
  readonly #render: () => void
  #lastMs = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(host: HTMLElement, clock: Clock, render: () => void) {
    this.#host = host
    this.#clock = clock
    this.#elapsed = elapsedTime(clock)
    this.#render = render
  }

  /** Renders in one of the next frames. A hidden page has none. */
  request(): void {
    if (this.#cancel) return
    const waitMs = Math.max(0, this.#lastMs + minIntervalMs - this.#elapsed())
    this.#cancel = this.#clock.after(waitMs, () => {
      const view = this.#host.ownerDocument.defaultView ?? window
      const frame = view.requestAnimationFrame(() => {
        this.#cancel = undefined
        this.#lastMs = this.#elapsed()
        this.#render()
      })
      this.#cancel = () => view.cancelAnimationFrame(frame)
    })
  }

  /** Drops what was asked for. */
  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
