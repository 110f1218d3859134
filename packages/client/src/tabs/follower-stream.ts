import type { Clock } from '@trpc-sse/protocol'
import { deferred } from './deferred.ts'
import type { TabsEnvironment } from './environment.ts'
import { createLiveness } from './liveness.ts'
import { type FollowerMessage, type LeaderMessage, readLeaderMessage } from './messages.ts'
import type { TabsTools } from './tools.ts'
import { writeMessage } from './write.ts'

/** A request for a stream, and whom its guest tells. */
export interface FollowerStreamOptions {
  readonly clock: Clock
  readonly tools: TabsTools
  readonly environment: TabsEnvironment
  /** Of its stream: a lock, which it has while it wants the stream, and a channel. */
  readonly name: string
  /** Asks whoever leads. */
  readonly ask: () => void
  /** It has a stream. */
  readonly onServed: () => void
  /** Nobody answers, or its host doesn't any more. */
  readonly onSilent: (host: string | undefined) => void
  /** It is over. */
  readonly onClosed: () => void
}

/** A stream that another tab's host, or this tab's, has opened: to the link, the response of a server. */
export interface FollowerStream {
  readonly response: Promise<Response>
  /** Hands a control request on to its host; says whether it has one. What comes of it shows in the stream. */
  control(body: string): boolean
  /** Who leads has changed, or is the same. */
  led(host: string): void
  /** Gives up its host; nothing has failed. */
  move(): void
  /** Ends it as a failed request or response. */
  fail(error: unknown): void
  /** The link wants it no more. */
  close(): void
}

/** After how many characters a guest says that they have arrived. */
const readLength = 65_536

const moved = writeMessage('$reconnect', '{}')
const alive = writeMessage('$ping', '')

/** Asks for a stream. */
export function openFollowerStream(options: FollowerStreamOptions): FollowerStream {
  const { RealtimeError } = options.tools
  const bytes = new TextEncoder()
  const response = deferred<Response>()
  let output: ReadableStreamDefaultController<Uint8Array> | undefined
  let host: string | undefined
  let isHeld = false
  let isOver = false
  let unread = 0

  const channel = options.environment.openChannel(options.name, (message) => {
    const known = isOver ? undefined : readLeaderMessage(message)
    if (known) take(known)
  })
  const tell = (message: FollowerMessage): void => channel.post(message)
  const liveness = createLiveness(options.clock, options.tools.elapsedTime(options.clock), {
    probe: () => (host === undefined ? options.ask() : tell({ type: 'probe' })),
    silent() {
      options.onSilent(host)
      if (host === undefined) liveness.probe()
      else fail(new RealtimeError('CONNECTION_SILENT', 'The tab with the connection is silent.'))
    },
  })
  const release = holdLock(
    options,
    () => {
      isHeld = true
      if (!isOver) liveness.probe()
    },
    fail,
  )

  function take(message: LeaderMessage): void {
    // Two can think that they lead, for a while: the first that answers has it.
    host ??= message.host
    if (message.host !== host) return
    liveness.heard()
    if (message.type === 'here') output?.enqueue(bytes.encode(alive))
    else if (message.type === 'text') write(message.text)
    else if (message.type === 'moved') move()
    else if (message.type === 'unknown') unknown()
    else fail(new RealtimeError(message.code, message.message, { status: message.status }))
  }

  function unknown(): void {
    response.resolve(new Response('', { status: 404 }))
    close()
  }

  function write(text: string): void {
    if (!output) {
      options.onServed()
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          output = controller
        },
        cancel: close,
      })
      response.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    }
    output?.enqueue(bytes.encode(text))
    unread += text.length
    if (unread < readLength) return
    tell({ type: 'read', length: unread })
    unread = 0
  }

  function close(): void {
    if (isOver) return
    isOver = true
    liveness.stop()
    release()
    channel.close()
    options.onClosed()
  }

  /** Not before it has its lock: it would be taken for gone. */
  function ask(): void {
    if (isHeld && !isOver) liveness.probe()
  }

  function fail(error: unknown): void {
    if (isOver) return
    close()
    output?.error(error)
    response.reject(error)
  }

  function move(): void {
    if (isOver) return
    if (!output) {
      host = undefined
      ask()
      return
    }
    close()
    output.enqueue(bytes.encode(moved))
    output.close()
  }

  return {
    response: response.promise,
    control(body) {
      if (isOver || host === undefined) return false
      tell({ type: 'control', body })
      return true
    },
    led(leader) {
      if (host === undefined) ask()
      else if (host !== leader) move()
    },
    move,
    fail,
    close,
  }
}

/** Holds the lock that tells its host of the guest's end, whatever that is; returns what lets it go. */
function holdLock(
  { environment, name }: FollowerStreamOptions,
  onHeld: () => void,
  onFailed: (error: unknown) => void,
): () => void {
  const held = deferred<void>()
  environment
    .requestLock(name, {}, () => {
      onHeld()
      return held.promise
    })
    .catch(onFailed)
  return held.resolve
}
