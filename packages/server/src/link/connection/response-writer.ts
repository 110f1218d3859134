/** Where a connection's bytes go. */
export interface Sink {
  readonly network: Network
}

/** What can be done with sinks of one kind: the one thing that differs between Node and web-standard runtimes. */
export interface Network {
  /** Hands over chunks that leave in one write, after all that were handed before. */
  write(sink: Sink, chunks: readonly Uint8Array[]): void
  /** How many bytes wait here because the other end doesn't read as fast as we write. */
  buffered(sink: Sink): number
  /** Ends the response after what was written. */
  end(sink: Sink): void
  /** Breaks the connection, with what waits in it. */
  cut(sink: Sink): void
}

/** What a sink lets wait before it tells of room again: Node's sockets wait for 16 or 64 kB, by their version. */
export const leastBufferedBytes = 65_536

/** How a response starts. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Iterable<[name: string, value: string]>
}

/** One HTTP request that waits for its response. */
export interface Exchange {
  /**
   * Starts the response. `onDrain` is called when what was buffered has left; it comes after each write that is, or
   * leaves, more than {@link leastBufferedBytes}.
   */
  open(head: ResponseHead, onDrain: () => void): Sink
  /** Calls back once when the other end is gone or the response has ended. */
  onGone(callback: () => void): void
}
