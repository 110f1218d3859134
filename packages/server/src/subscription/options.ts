/** Options of `live`. A resolver's `opts` can be passed unchanged. */
export interface LiveOptions {
  /**
   * Ends the subscription when the signal aborts. A subscription that a procedure returns also ends
   * with the call.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * The id of the event to start after, such as the `lastEventId` of a query that was loaded
   * before. When a client resumes, the id that it sends is used instead.
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
   * The number of newest events to send first if there is no id to start after: a whole number, 0
   * or more, or `'all'`. If the log no longer retains all of them (`retain` of the channel), one
   * gap with the reason `trimmed` comes first.
   *
   * @default 0
   */
  readonly replay?: number | 'all'
  /**
   * What to do if events are no longer available:
   *
   * - `'report'`: calls `onGap` of the client link and continues. Without a client link, it calls
   *   `onError` of the channels.
   * - `'error'`: ends the subscription with PRECONDITION_FAILED.
   *
   * @default 'report'
   */
  readonly onGap?: 'report' | 'error'
}
