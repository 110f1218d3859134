/** What happens to a subscription that is too far behind. */
export type BehindPolicy = 'catchUp' | 'latest' | 'disconnect'

/** How far a subscription may be behind, and what happens beyond that. */
export interface Behind {
  readonly policy: BehindPolicy
  /** Events. */
  readonly events: number
}
