/** The limits that the demo sets. They are low, so that visitors can reach them. */
export const limits = {
  /**
   * Streams of one user. A browser allows six connections to one address, and the page needs some
   * for its requests.
   */
  connections: 4,
  /** Subscriptions of one user. */
  subscriptions: 200,
  /** Chat messages of one user in a minute. */
  messages: 60,
  people: 500,
  cursors: 50,
}
