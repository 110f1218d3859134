/** An event that is shown before it has arrived. */
interface PendingEvent {
  readonly event: unknown
  readonly isSame: ((event: unknown) => boolean) | undefined
  /** The id that the server's answer gave it. */
  id?: string
  /** Whether it may have arrived unnoticed: a snapshot may contain it, or a gap may hide it. */
  isUncertain?: boolean
}

/**
 * The most ids that are remembered while an answer is awaited. After that, its event counts as
 * uncertain.
 */
const maxArrivedIds = 10_000

/** Events that are shown before they have arrived. */
export class PendingEvents {
  #events: PendingEvent[] = []
  // An answer may come after its event, so ids are remembered while an answer is awaited.
  readonly #arrivedIds = new Set<string>()

  /**
   * Shows an event until it arrives: with the id that `sent` resolves to, or because `isSame` says
   * so. If `sent` rejects, the event is removed. Returns a function that removes it at once.
   */
  add(
    event: unknown,
    sent: PromiseLike<{ readonly id: string }>,
    isSame: PendingEvent['isSame'],
    onChange: () => void,
  ): () => void {
    const added: PendingEvent = { event, isSame }
    this.#events.push(added)
    const remove = (): void => this.#keep((one) => one !== added)
    const answered = (id?: string): void => {
      if (id === undefined || added.isUncertain || this.#arrivedIds.has(id)) remove()
      else added.id = id
      onChange()
    }
    sent.then(
      ({ id }) => answered(id),
      () => answered(),
    )
    return remove
  }

  /** Removes the pending event that has arrived. */
  arrived(id: string, event: unknown): void {
    if (this.#events.length === 0) return
    this.#arrivedIds.add(id)
    this.#keep((one) => one.id !== id && !one.isSame?.(event))
    if (this.#arrivedIds.size < maxArrivedIds) return
    this.#arrivedIds.clear()
    this.#markUncertain()
  }

  /**
   * Notes that events arrived unnoticed, in a snapshot or a gap. Answered events are removed.
   * Unanswered ones stay until their answer, even if the snapshot contains them.
   */
  missedArrivals(): void {
    this.#keep(({ id }) => id === undefined)
    this.#markUncertain()
  }

  /** Returns the state with all pending events applied. */
  applyTo<TState>(
    state: TState,
    reduce: (state: TState, event: unknown, meta: { id: string }) => TState,
  ): TState {
    return this.#events.reduce((shown, { event }) => reduce(shown, event, { id: '' }), state)
  }

  #keep(isKept: (one: PendingEvent) => boolean): void {
    this.#events = this.#events.filter(isKept)
    if (this.#events.every(({ id }) => id !== undefined)) this.#arrivedIds.clear()
  }

  #markUncertain(): void {
    for (const one of this.#events) one.isUncertain = true
  }
}
