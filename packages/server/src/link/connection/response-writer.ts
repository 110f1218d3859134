/** The status and headers of a response. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Iterable<[name: string, value: string]>
}

/**
 * Writes the response to one request. Only this part differs between Node and web-standard
 * runtimes.
 */
export interface ResponseWriter {
  /** Calls `callback` once, when the client is gone or the response has ended. */
  onceClosed(callback: () => void): void
  /**
   * Starts the response. Calls `onDrain` when buffered bytes were sent, at least after each write
   * that is, or leaves, more than {@link minBufferedBytes}.
   */
  start(head: ResponseHead, onDrain: () => void): void
  /** Writes chunks in one network write, after all earlier ones. */
  write(chunks: readonly Uint8Array[]): void
  /** Returns the number of bytes that wait in this process because the client reads too slowly. */
  bufferedBytes(): number
  /** Ends the response after all written chunks. */
  end(): void
  /** Aborts the connection, and drops buffered bytes. */
  abort(): void
}

/**
 * The number of bytes that a writer may buffer before it must call `onDrain`. Node's sockets buffer
 * 16 or 64 kB, depending on the version.
 */
export const minBufferedBytes = 65_536
