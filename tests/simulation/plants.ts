/** A bug that is put into the source of a package, to see whether the simulator finds it. */
export interface Plant {
  readonly name: string
  /** What it does, and which race or fix it stands for. */
  readonly about: string
  /** The file, from the folder of the packages. */
  readonly file: string
  /** What is replaced; it must be there once. */
  readonly find: string
  readonly replace: string
}

/** The planted bugs. */
export const plants: readonly Plant[] = [
  {
    name: 'hub-takes-any-hint',
    about: 'R2: a hint is taken though the one before it was lost',
    file: 'server/src/hub/hub.ts',
    find: '} else if (event.prev === window.tail) {',
    replace: '} else if (!window.has(event.id)) {',
  },
  {
    name: 'cursor-checks-no-chain',
    about: 'R8: trimmed events are left out without a gap',
    file: 'server/src/subscription/cursor.ts',
    find: 'if (follows !== this.#id) {',
    replace: 'if (entry.kind === "jump" && follows !== this.#id) {',
  },
  {
    name: 'log-end-is-not-checked',
    about: 'R9: a log that was emptied looks as if nothing was missed',
    file: 'server/src/hub/contiguity.ts',
    find: 'if (page.lastEventId !== position && page.lastEventId !== skipped) {',
    replace: 'if (page.events.length > 0 && page.lastEventId !== position) {',
  },
  {
    name: 'end-is-completion',
    about: 'R13: a response that ends politely completes the subscription',
    file: 'client/src/transport/attempt.ts',
    find: "(event) => event ?? lost('The response ended before the subscription was complete.'),",
    replace: "(event) => event ?? { type: 'end' as const },",
  },
  {
    name: 'position-moves-first',
    about: 'R11: the position of a gap is not taken, only that of events',
    file: 'client/src/set/handover.ts',
    find: 'if (!id || id === this.#clientPosition) return false',
    replace: "if (!id || id === this.#clientPosition || frame.type === 'gap') return false",
  },
  {
    name: 'handover-delivers-held',
    about: 'R20: what both streams sent during a handover is delivered twice',
    file: 'client/src/set/handover.ts',
    find: '    this.#next = undefined\n    if (isPositioned)',
    replace: '    this.#next = undefined\n    this.#deliverHeld(next)\n    if (isPositioned)',
  },
  {
    name: 'no-position-at-start',
    about: '81108c8: an idle subscription has no position to resume from',
    file: 'client/src/set/handover.ts',
    find: 'if (isPositioned) this.#clientPosition = id\n',
    replace: '\n',
  },
  {
    name: 'watchdog-never-bites',
    about: 'R6: a half-open connection is never noticed',
    file: 'client/src/transport/watchdog.ts',
    find: 'if (leftMs <= 0) onSilence(limitMs)',
    replace: 'if (leftMs <= 0) limitMs > 15_000 || onSilence(limitMs)',
  },
  {
    name: 'merge-forgets-its-head',
    about: 'found by the simulator: merge drops an event that waits for its turn',
    file: 'server/src/subscription/merge.ts',
    find: 'if (branch.head !== undefined) {',
    replace: 'if (branch.head === null) {',
  },
  {
    name: 'shared-read-serves-one',
    about: 'found by the simulator: of readers that share a read, one is served',
    file: 'server/src/hub/page-reader.ts',
    find: 'if (this.asksLike(other)) return 0',
    replace: '',
  },
  {
    name: 'keys-are-forgotten',
    about: 'a publish that is sent again with its key is stored twice',
    file: 'server/src/backend/memory-log-state.ts',
    find: 'if (known !== undefined && known.untilMs > nowMs)',
    replace: 'if (known !== undefined && known.untilMs < nowMs)',
  },
  {
    name: 'cancel-closes-nothing',
    about: '645b7: a client that leaves stays connected',
    file: 'server/src/link/fetch/writer.ts',
    find: "this.#signal.addEventListener('abort', callback, { once: true })",
    replace: '',
  },
  {
    name: 'control-is-believed',
    about: 'R15: a control request that fails is taken as done',
    file: 'client/src/set/multiplexed-connection.ts',
    find: 'if (answer === undefined) return this.#fail()',
    replace: 'if (answer === undefined) return',
  },
]
