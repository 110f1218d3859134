/** The limits that the demo sets. They are low, so that visitors can reach them. */
export const limits = {
  /**
   * Streams of one user on each instance. A browser allows six connections to one address, and the
   * page needs some for its requests.
   */
  connections: 4,
  /** Subscriptions on one stream. All tabs of a browser share it. */
  subscriptions: 200,
  people: 500,
  cursors: 50,
}
