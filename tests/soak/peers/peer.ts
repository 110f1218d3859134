import type { RequestListener, Server } from 'node:http'

/** An event. A publisher numbers its events from 1. */
export interface PeerEvent {
  readonly publisher: string
  readonly n: number
  /** How often it was published before, without an answer that it was. */
  readonly attempt: number
}

/** The parts that an instance of a peer gets. */
export interface PeerHost {
  /** The HTTP server of the process. */
  readonly server: Server
  readonly redisUrl: string
}

/** The server side of a peer, in a process of its own. */
export interface PeerInstance {
  /** Answers requests; not needed if the library attaches itself to the HTTP server. */
  readonly handle?: RequestListener
  /** Resolves when the library says that the event is published. */
  publish(event: PeerEvent): Promise<void>
  /** Ends its connections before a deploy, as the library's docs say. */
  close(): Promise<void>
}

/** The callbacks of a client. */
export interface FollowHandlers {
  /** Called with each event. */
  onEvent(event: PeerEvent): void
  /** Called when the library notifies the application that events may be missing. */
  onNotice(): void
}

/** A library under test, which delivers events and resumes streams as its docs say. */
export interface Peer {
  /** Its name in the table. */
  readonly name: string
  /** The packages whose versions the table shows. */
  readonly packages: readonly string[]
  /** The parts that deliver and resume, in a few words. */
  readonly how: string
  /** How the library notifies the application that events may be missing. */
  readonly notice: string
  /** The pages of its docs that this follows. */
  readonly docs: readonly string[]
  /** Starts a local stand-in between the instances and Redis. Only for a hosted store. */
  startStore?(redisUrl: string): Promise<PeerStore>
  serve(host: PeerHost): Promise<PeerInstance>
  /** Subscribes with the library's own client. Returns a function that unsubscribes. */
  follow(url: string, handlers: FollowHandlers): () => void
}

/** A local stand-in for a hosted store. */
export interface PeerStore extends AsyncDisposable {
  readonly url: string
}
