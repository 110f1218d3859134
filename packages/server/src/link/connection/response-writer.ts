/** How a response starts. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Iterable<[name: string, value: string]>
}

/**
 * Writes the response to one request: the only thing that differs between Node and web-standard
 * runtimes.
 */
export interface ResponseWriter {
  /** Calls back once, when the client is gone or the response has ended. */
  onceClosed(callback: () => void): void
  /**
   * Starts the response. Calls `onDrain` when buffered bytes have left: after each write that is,
   * or leaves, more than {@link minBufferedBytes}.
   */
  start(head: ResponseHead, onDrain: () => void): void
  /** Writes chunks, in one write to the network, after all earlier ones. */
  write(chunks: readonly Uint8Array[]): void
  /** How many bytes wait in this process because the client doesn't read as fast as they come. */
  bufferedBytes(): number
  /** Ends the response after what was written. */
  end(): void
  /** Breaks the connection, and drops what is buffered. */
  abort(): void
}

/**
 * How many bytes a writer may buffer before it must call `onDrain`. Node's sockets buffer 16 or 64
 * kB, depending on the version.
 */
export const minBufferedBytes = 65_536
