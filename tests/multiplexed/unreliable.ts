/** A `fetch` with faults in control requests. */
export interface UnreliableFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** The number of faults of each kind. */
  readonly done: Readonly<Record<Fault, number>>
  /** Ends the faults. */
  heal(): void
}

type Fault = (typeof faults)[number]
const faults = ['none', 'lost', 'answer lost', 'late', 'repeated', 'much later'] as const

/**
 * Creates a `fetch` that loses, delays, repeats and reorders control requests. Requests for streams
 * are unaffected.
 */
export function unreliableFetch(random: () => number): UnreliableFetch {
  const done = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>
  let healed = false
  const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  // A request in transit arrives, even if the client no longer waits for the answer.
  const send = (url: string, { signal: _signal, ...init }: RequestInit): Promise<Response> =>
    fetch(url, init)
  const sendLater = (ms: number, url: string, init: RequestInit): void =>
    void after(ms).then(() =>
      send(url, init).then(
        (response) => response.text(),
        () => {},
      ),
    )

  async function request(url: string, init: RequestInit): Promise<Response> {
    const isControl = typeof init.body === 'string' && init.body.includes('"connectionId":')
    const fault = (!healed && isControl && faults[Math.floor(random() * faults.length)]) || 'none'
    if (isControl) done[fault] += 1
    switch (fault) {
      case 'lost':
        await after(random() * 50)
        throw new TypeError('fetch failed')
      case 'answer lost':
        await send(url, init).then((response) => response.text())
        throw new TypeError('terminated')
      case 'late':
        await after(random() * 200)
        return await send(url, init)
      case 'repeated':
        sendLater(random() * 300, url, init)
        return await fetch(url, init)
      case 'much later':
        // By then, newer requests have arrived, or there is another stream.
        sendLater(100 + random() * 500, url, init)
        throw new TypeError('fetch failed')
      default:
        return await fetch(url, init)
    }
  }

  return {
    fetch: request,
    done,
    heal() {
      healed = true
    },
  }
}
