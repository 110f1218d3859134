/**
 * Joins chunks as they arrive. A client may send as many chunks as bytes, so none is kept as an
 * object.
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

  /** Gives the bytes, and keeps none. */
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
