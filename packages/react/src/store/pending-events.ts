/** An event that is shown before it has come. */
interface PendingEvent {
  readonly event: unknown
  readonly isSame: ((event: unknown) => boolean) | undefined
  /** The id that its event has, once the server has said so. */
  id?: string
  /** Whether its event may have come unseen: in a snapshot, or not at all. */
  isOvertaken?: boolean
}

/** Events that are shown before they have come. */
export interface Pending {
  /**
   * Shows an event until it comes by itself: by the id that `sent` resolves to, or because it is the same. If `sent`
   * rejects, the event is taken back. Returns what takes it back at once.
   */
  add(
    event: unknown,
    sent: PromiseLike<{ readonly id: string }>,
    isSame: PendingEvent['isSame'],
    onChange: () => void,
  ): () => void
  /** An event has come. */
  arrived(id: string, event: unknown): void
  /**
   * Events have come unseen: in a snapshot, or not at all. What is still being sent stays until it is answered, on top of
   * what may have it already.
   */
  overtaken(): void
  /** The state with all of them. */
  show<TState>(
    state: TState,
    reduce: (state: TState, event: unknown, meta: { id: string }) => TState,
  ): TState
}

/** Ids that are kept for an answer: one that takes longer is one that an event has overtaken. */
const mostArrivedIds = 10_000

/** Creates a list of pending events, empty. */
export function createPending(): Pending {
  let all: PendingEvent[] = []
  // The server's answer may come later than the event. The ids are kept while one is waited for.
  const arrivedIds = new Set<string>()

  function keep(isKept: (one: PendingEvent) => boolean): void {
    all = all.filter(isKept)
    if (all.every(({ id }) => id !== undefined)) arrivedIds.clear()
  }

  function overtakeAll(): void {
    for (const one of all) one.isOvertaken = true
  }

  return {
    add(event, sent, isSame, onChange) {
      const added: PendingEvent = { event, isSame }
      all.push(added)
      const drop = (): void => keep((one) => one !== added)
      function answered(id?: string): void {
        if (id === undefined || added.isOvertaken || arrivedIds.has(id)) drop()
        else added.id = id
        onChange()
      }
      sent.then(
        ({ id }) => answered(id),
        () => answered(),
      )
      return drop
    },
    arrived(id, event) {
      if (all.length === 0) return
      arrivedIds.add(id)
      keep((one) => one.id !== id && !one.isSame?.(event))
      if (arrivedIds.size < mostArrivedIds) return
      arrivedIds.clear()
      overtakeAll()
    },
    overtaken() {
      keep(({ id }) => id === undefined)
      overtakeAll()
    },
    show: (state, reduce) =>
      all.reduce((shown, { event }) => reduce(shown, event, { id: '' }), state),
  }
}
