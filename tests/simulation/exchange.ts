import type { Decoder } from '@trpc-sse/protocol'
import type { Instance } from './instance.ts'
import type { Cut, Line } from './line.ts'
import type { SimulatedProcess } from './process.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** What an exchange is made of. */
export interface ExchangeOptions extends Line {
  readonly url: string
  readonly init: RequestInit
  readonly client: SimulatedProcess
  readonly timeline: Timeline
  readonly trace: Trace
  /** Chooses the instance; `undefined` if there is none. */
  readonly instance: () => Instance | undefined
  readonly onOver: () => void
}

/** One way of a request or of its answer, in milliseconds. */
const wayMs = 15
/** When an instance's system finds that a connection is dead, in milliseconds. */
const keepAliveMs = 60_000
/** How many bytes are on their way at most. */
const socketBytes = 65_536

/** One request and its answer, on their way between a client and an instance. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #serverGone = new AbortController()
  readonly #decoder: Decoder
  #server: Instance | undefined
  #resolve: (response: Response) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #body: ReadableStreamDefaultController<Uint8Array> | undefined
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #isClientOver = false
  #isServerOver = false
  /** Nothing passes any more, and neither end knows. */
  #isDead = false
  #lastArrivalMs = 0
  #bytesUnderWay = 0
  #onRoom = (): void => {}
  /** What a proxy or a slow line holds back. */
  readonly #held: Array<() => void> = []

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#decoder = options.positions.decoderFor(options.url, options.init.body)
  }

  /** Sends the request. */
  start(): Promise<Response> {
    const { client, init, timeline, conditions } = this.#options
    const answer = new Promise<Response>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { signal } = init
    if (signal?.aborted) this.#clientLeaves(signal.reason)
    signal?.addEventListener('abort', () => this.#clientLeaves(signal.reason), { once: true })
    if (conditions.isBlackHole) this.#die()
    else if (conditions.isOffline)
      client.arrive(1, () => this.#failClient(new TypeError('fetch failed')))
    else timeline.after(this.#delayMs(), () => this.#arriveAtProxy())
    return answer
  }

  /** Cuts it, as it is open now. */
  cut(how: Cut): void {
    const { client } = this.#options
    if (how === 'only client' || how === 'only server') this.#die()
    if (how === 'only server') this.#serverLeaves()
    else if (how === 'politely') this.#inOrder(() => this.#endClient())
    else {
      if (how === 'in a chunk') client.arrive(0, () => this.#tearChunk())
      client.arrive(0, () => this.#failClient(new TypeError('terminated')))
    }
    if (how !== 'only client') this.#serverLeaves()
  }

  /** Lets go on what was held back. */
  release(): void {
    if (this.#isHolding()) return
    for (const call of this.#held.splice(0)) call()
  }

  processCrashed(process: SimulatedProcess, closesSockets: boolean): void {
    const isClient = process === this.#options.client
    if (!isClient && process !== this.#server?.process) return
    if (!closesSockets) this.#die()
    else if (isClient) this.#options.timeline.after(this.#delayMs(), () => this.#serverLeaves())
    else
      this.#options.client.arrive(this.#delayMs(), () =>
        this.#failClient(new TypeError('terminated')),
      )
    if (isClient) this.#overForClient()
    else this.#overForServer()
  }

  #delayMs(): number {
    const { chance, conditions } = this.#options
    return chance.delayMs(wayMs * conditions.slowness)
  }

  #arriveAtProxy(): void {
    const { conditions, chance, client, instance } = this.#options
    if (this.#isClientOver) {
      this.#overForServer()
      return
    }
    if (conditions.badGateway !== undefined && chance.is(0.7)) {
      const answer = new Response('bad gateway', { status: conditions.badGateway })
      client.arrive(this.#delayMs(), () => this.#answer(answer))
      return
    }
    const server = instance()
    this.#server = server
    if (server === undefined || !server.isUp) {
      client.arrive(this.#delayMs(), () => this.#failClient(new TypeError('fetch failed')))
      return
    }
    server.process.arrive(0, () => this.#arriveAt(server))
  }

  #arriveAt(server: Instance): void {
    const { url, init } = this.#options
    const { method = 'GET', headers, body } = init
    const { signal } = this.#serverGone
    if (this.#isServerOver) return
    const request = new Request(url, {
      method,
      signal,
      ...(headers && { headers }),
      ...(body && { body }),
    })
    server.link.fetch(request).then(
      (response) => this.#sendAnswer(server, response),
      () => this.cut('both'),
    )
  }

  #sendAnswer(server: Instance, { status, headers, body }: Response): void {
    if (server.process.hasCrashed) return
    const { conditions, chance, trace, client } = this.#options
    const { method = 'GET' } = this.#options.init
    trace.add(server.process.name, `answers ${client.name}'s ${method} with ${status}`)
    if (conditions.losesAnswers && chance.is(0.5)) {
      trace.add(client.name, 'lost an answer')
      this.cut('both')
    } else if (body) this.#sendStream(server, { status, headers: [...headers] }, body)
    else {
      this.#overForServer()
      this.#inOrder(() => this.#answer(new Response(null, { status, headers: [...headers] })))
    }
  }

  #sendStream(server: Instance, head: ResponseInit, body: ReadableStream<Uint8Array>): void {
    const received = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller
      },
      cancel: (reason) => this.#clientLeaves(reason),
    })
    this.#inOrder(() => this.#answer(new Response(received, head)))
    void this.#pump(server, body.getReader())
  }

  /** Sends what the instance writes, as fast as the client receives it. */
  async #pump(server: Instance, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    this.#reader = reader
    if (this.#isServerOver) void reader.cancel().catch(() => {})
    try {
      for (;;) {
        const { done, value } = await reader.read()
        // What a crashed process still does in memory, nobody sees.
        if (server.process.hasCrashed || this.#isServerOver) return
        if (done) return this.#finish()
        this.#send(value)
        while (this.#bytesUnderWay > socketBytes)
          await new Promise<void>((resolve) => {
            this.#onRoom = resolve
          })
      }
    } catch {
      if (!server.process.hasCrashed) this.cut('both')
    }
  }

  #send(bytes: Uint8Array): void {
    const { chance } = this.#options
    this.#bytesUnderWay += bytes.length
    for (let from = 0; from < bytes.length; ) {
      const length = chance.is(0.8) ? bytes.length : chance.between(1, bytes.length)
      const piece = bytes.slice(from, from + length)
      from += length
      this.#inOrder(() => this.#deliver(piece))
    }
  }

  #deliver(piece: Uint8Array<ArrayBuffer>): void {
    this.#bytesUnderWay -= piece.length
    this.#onRoom()
    if (this.#isClientOver) return
    this.#decoder.push(piece)
    this.#body?.enqueue(piece)
  }

  #finish(): void {
    this.#overForServer()
    this.#inOrder(() => this.#endClient())
  }

  /** Lets something arrive at the client, after all that was sent before. */
  #inOrder(call: () => void): void {
    const { timeline, client } = this.#options
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, timeline.nowMs + this.#delayMs())
    timeline.after(this.#lastArrivalMs - timeline.nowMs, () => {
      if (this.#options.conditions.isBlackHole) this.#die()
      if (this.#isDead) return
      if (this.#isHolding() || this.#held.length > 0) this.#held.push(() => this.#pass(call))
      else client.arrive(0, call)
    })
  }

  #pass(call: () => void): void {
    this.#options.client.arrive(0, call)
  }

  #isHolding(): boolean {
    const { isBuffering, isStalled } = this.#options.conditions
    return isBuffering || isStalled
  }

  #answer(response: Response): void {
    if (this.#isClientOver) return
    this.#resolve(response)
    if (this.#body === undefined) this.#overForClient()
  }

  /** A part of what was to come next arrives before the cut. */
  #tearChunk(): void {
    const text = new TextEncoder().encode('event: torn\nid: 1-1\ndata: {"n":')
    if (!this.#isClientOver && this.#body) this.#body.enqueue(text)
  }

  #failClient(error: Error): void {
    if (this.#isClientOver) return
    this.#reject(error)
    this.#body?.error(error)
    this.#overForClient()
  }

  #endClient(): void {
    if (this.#isClientOver) return
    this.#body?.close()
    this.#overForClient()
  }

  /** The client has aborted the request. */
  #clientLeaves(reason: unknown): void {
    if (this.#isClientOver) return
    this.#reject(reason)
    this.#body?.error(reason)
    this.#overForClient()
    if (this.#options.conditions.isBlackHole) this.#die()
    if (!this.#isDead) this.#options.timeline.after(this.#delayMs(), () => this.#serverLeaves())
  }

  /** Nothing passes any more. Neither end is told, but an instance's system notices in the end. */
  #die(): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#options.timeline.after(keepAliveMs, () => this.#serverLeaves())
  }

  /** The instance notices that its client is gone. */
  #serverLeaves(): void {
    if (this.#isServerOver) return
    const server = this.#server?.process
    this.#overForServer()
    const leave = (): void => {
      this.#serverGone.abort()
      void this.#reader?.cancel().catch(() => {})
      this.#onRoom()
    }
    if (server) server.arrive(0, leave)
  }

  #overForClient(): void {
    this.#isClientOver = true
    if (this.#isServerOver) this.#options.onOver()
  }

  #overForServer(): void {
    this.#isServerOver = true
    if (this.#isClientOver) this.#options.onOver()
  }
}
