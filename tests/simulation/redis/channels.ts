/** The channels of a server, and who listens to them. */
export class Channels {
  readonly #subscribers = new Map<string, Set<(message: string) => void>>()

  names(): string[] {
    return [...this.#subscribers.keys()]
  }

  /** Calls back with each message to a channel. Returns what ends that. */
  subscribe(channel: string, onMessage: (message: string) => void): () => void {
    const subscribers = this.#subscribers.get(channel) ?? new Set()
    this.#subscribers.set(channel, subscribers)
    subscribers.add(onMessage)
    return () => {
      subscribers.delete(onMessage)
      if (subscribers.size === 0) this.#subscribers.delete(channel)
    }
  }

  /** Calls all who listen. Returns how many do. */
  publish(channel: string, message: string): number {
    const subscribers = [...(this.#subscribers.get(channel) ?? [])]
    for (const onMessage of subscribers) onMessage(message)
    return subscribers.length
  }
}
