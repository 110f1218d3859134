/** The totals in the statistics of a link. */
export interface Counters {
  eventsSent: number
  bytesSent: number
  gaps: number
  /** Streams that were refused because of a limit or because the link is draining. */
  refused: number
  /** Streams that were closed because a subscription was too far behind. */
  cutOff: number
}

/** Creates counters at zero. */
export function createCounters(): Counters {
  return { eventsSent: 0, bytesSent: 0, gaps: 0, refused: 0, cutOff: 0 }
}
