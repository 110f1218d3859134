/**
 * Joins chunks as they arrive. It doesn't keep chunks as objects, because a client may send one for
 * each byte.
 */
export class ByteBuffer {
  #bytes: Uint8Array = new Uint8Array()
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    if (this.#length === 0) {
      // Most bodies arrive in one chunk.
      this.#bytes = chunk
    } else {
      if (length > this.#bytes.length) this.#grow(2 * length)
      this.#bytes.set(chunk, this.#length)
    }
    this.#length = length
  }

  /** Returns the bytes, and empties the buffer. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array()
    return taken
  }

  #grow(capacity: number): void {
    const grown = new Uint8Array(capacity)
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
