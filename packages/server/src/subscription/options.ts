/** Options of `live`. A resolver's `opts` can be passed unchanged. */
export interface LiveOptions {
  /**
   * Ends the subscription when it aborts. A call ends the subscription that its procedure returns.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * The event id to start after: the `lastEventId` of a query that was loaded before, for example.
   * A client that resumes sends an id of its own, and that id is used instead.
   *
   * @default the `lastEventId` of `input`
   */
  readonly lastEventId?: string | null | undefined
  /** The procedure's input. Only its `lastEventId` is read. */
  readonly input?: unknown
}

/** Options of `subscribe`. A resolver's `opts` can be passed unchanged. */
export interface SubscribeOptions extends LiveOptions {
  /**
   * How many of the newest events to send first, where there is no id to start after: a whole
   * number, 0 or more, or `'all'`. If the log had more of them than it retains (`retain` of the
   * channel), one gap with the reason `trimmed` comes first.
   *
   * @default 0
   */
  readonly replay?: number | 'all'
  /**
   * What to do where events are no longer available. `'report'` calls `onGap` of the client link
   * and goes on; without a client link, it calls `onError` of the channels. `'error'` ends the
   * subscription with PRECONDITION_FAILED.
   *
   * @default 'report'
   */
  readonly onGap?: 'report' | 'error'
}
