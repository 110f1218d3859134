/** What a link has served. */
export interface Counters {
  eventsSent: number
  bytesSent: number
  gaps: number
  /** Streams that were refused, for a limit or because the link drains. */
  refused: number
  /** Streams that were cut because a subscription was too far behind. */
  cutOff: number
}

/** Creates counters at zero. */
export function createCounters(): Counters {
  return { eventsSent: 0, bytesSent: 0, gaps: 0, refused: 0, cutOff: 0 }
}
