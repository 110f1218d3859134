/** What one connection holds of the limits of its key. */
export interface KeyHold {
  /**
   * Counts a subscription that is about to start. Returns or resolves to whether there was room.
   * Every call needs one of `leave`, whatever the result.
   */
  enter(): boolean | Promise<boolean>
  /** Stops counting a subscription. */
  leave(): void
  /** Gives back everything. Further calls have no effect. */
  release(): void
}
