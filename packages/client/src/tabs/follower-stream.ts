import { type Clock, encode, RealtimeError } from '@trpc-sse/protocol'
import { deferred } from './deferred.ts'
import type { TabChannel, TabsEnvironment } from './environment.ts'
import { createLiveness, type Liveness } from './liveness.ts'
import { type FollowerMessage, type LeaderMessage, readLeaderMessage } from './messages.ts'

/** The options of a follower's stream. */
export interface FollowerStreamOptions {
  readonly clock: Clock
  readonly environment: TabsEnvironment
  /** The name of its channel, and of the lock that it holds while it wants the stream. */
  readonly name: string
  /** Asks the leading tab for the stream. */
  readonly ask: () => void
  /** The stream has begun. */
  readonly onServed: () => void
  /** The leader could not open the stream, and tries again. */
  readonly onDelayed: (error: unknown) => void
  /** The leader doesn't answer. `undefined` if none ever did. */
  readonly onSilent: (leader: string | undefined) => void
  readonly onClosed: () => void
}

type Failure = Extract<LeaderMessage, { readonly type: 'failed' | 'delayed' }>
type Text = Extract<LeaderMessage, { readonly type: 'text' }>

/** The number of characters after which a follower reports their arrival. */
const reportedLength = 65_536

const bytes = new TextEncoder()
const reconnectMessage = encode({ event: '$reconnect', data: '{}' })
const pingMessage = encode({ event: '$ping', data: '' })

/**
 * A stream that the leading tab has opened for this tab. To the link, it is a server's response.
 */
export class FollowerStream {
  readonly response: Promise<Response>
  readonly #options: FollowerStreamOptions
  readonly #response = deferred<Response>()
  readonly #channel: TabChannel
  readonly #liveness: Liveness
  readonly #releaseLock: () => void
  #output: ReadableStreamDefaultController<Uint8Array> | undefined
  #leader: string | undefined
  #hasLock = false
  #isOver = false
  /** The number of texts that have arrived. */
  #texts = 0
  #unread = 0

  constructor(options: FollowerStreamOptions) {
    this.#options = options
    this.response = this.#response.promise
    this.#channel = options.environment.openChannel(options.name, (message) => {
      const known = this.#isOver ? undefined : readLeaderMessage(message)
      if (known) this.#receive(known)
    })
    this.#liveness = createLiveness(options.clock, {
      probe: () => (this.#leader === undefined ? options.ask() : this.#send({ type: 'probe' })),
      silent: () => this.#silent(),
    })
    this.#releaseLock = this.#holdLock()
  }

  /**
   * Sends a control request; returns whether there is a leader. Its effect is visible in the
   * stream.
   */
  control(body: string): boolean {
    if (this.#isOver || this.#leader === undefined) return false
    this.#send({ type: 'control', body })
    return true
  }

  /** This leader leads from now on. It may be the same as before. */
  followLeader(leader: string): void {
    if (this.#leader === undefined) this.#ask()
    else if (this.#leader !== leader) this.handOver()
  }

  /** Leaves its leader without a failure. */
  handOver(): void {
    if (this.#isOver) return
    if (!this.#output) {
      this.#leader = undefined
      this.#ask()
      return
    }
    this.close()
    this.#output.enqueue(bytes.encode(reconnectMessage))
    this.#output.close()
  }

  /** Ends it as a failed request or response. */
  fail(error: unknown): void {
    if (this.#isOver) return
    this.close()
    this.#output?.error(error)
    this.#response.reject(error)
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#liveness.stop()
    this.#releaseLock()
    this.#channel.close()
    this.#options.onClosed()
  }

  /** Holds the lock by which the leader notices that this stream is over, even in a crash. */
  #holdLock(): () => void {
    const { environment, name } = this.#options
    const held = deferred<void>()
    environment
      .requestLock(name, {}, () => {
        this.#hasLock = true
        this.#ask()
        return held.promise
      })
      .catch((error: unknown) => this.fail(error))
    return () => held.resolve()
  }

  /** Waits for its lock. Otherwise, the leader would consider this tab gone. */
  #ask(): void {
    if (this.#hasLock && !this.#isOver) this.#liveness.probe()
  }

  #silent(): void {
    const leader = this.#leader
    this.#options.onSilent(leader)
    if (leader === undefined) this.#liveness.probe()
    else this.fail(new RealtimeError('CONNECTION_SILENT', 'The tab with the connection is silent.'))
  }

  #send(message: FollowerMessage): void {
    this.#channel.post(message)
  }

  #receive(message: LeaderMessage): void {
    // For a moment, two tabs can both lead. The first one that answers keeps the stream.
    this.#leader ??= message.leader
    if (message.leader !== this.#leader) return
    this.#liveness.heard()
    if (message.type === 'here') this.#output?.enqueue(bytes.encode(pingMessage))
    else if (message.type === 'text') this.#take(message)
    else if (message.type === 'handover') this.handOver()
    else if (message.type === 'unknown') {
      this.#response.resolve(new Response('', { status: 404 }))
      this.close()
    } else if (message.type === 'delayed') this.#options.onDelayed(errorOf(message))
    else this.fail(errorOf(message))
  }

  /** Takes the next text. If one before it was lost, the tab resumes on another stream. */
  #take({ number, text }: Text): void {
    if (number === ++this.#texts) this.#write(text)
    else if (this.#output) this.handOver()
    else this.fail(new RealtimeError('CONNECTION_LOST', 'The browser lost a message of a tab.'))
  }

  #write(text: string): void {
    if (!this.#output) this.#begin()
    this.#output?.enqueue(bytes.encode(text))
    this.#unread += text.length
    if (this.#unread < reportedLength) return
    this.#send({ type: 'read', length: this.#unread })
    this.#unread = 0
  }

  #begin(): void {
    this.#options.onServed()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#output = controller
      },
      cancel: () => this.close(),
    })
    this.#response.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
  }
}

function errorOf({ code, message, status }: Failure): RealtimeError {
  return new RealtimeError(code, message, { status })
}
