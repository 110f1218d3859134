/** The action for a subscription that is too far behind. */
export type BehindPolicy = 'catchUp' | 'latest' | 'disconnect' | 'fold'

/** The maximum lag of a subscription, and the action beyond that. */
export interface Behind {
  readonly policy: BehindPolicy
  /** The maximum lag, in events. */
  readonly events: number
}
