import { CommandError, ok, type Reply, Status } from './reply.ts'
import { CommandParser, encodePush, encodeReply, type Protocol } from './resp.ts'

/** What a connection needs of the server. */
export interface SessionServer {
  /** Runs a command. `isAsking` says that ASKING came before it. */
  run(command: readonly string[], isAsking: boolean): Reply | Promise<Reply>
  subscribe(channel: string, onMessage: (message: string) => void): () => void
  /** Sharded pub/sub; only nodes of a Cluster need it. */
  readonly shards?: ShardServer
}

/** What a connection needs of a node for sharded pub/sub. */
export interface ShardServer {
  /** Subscribes to a channel, unless its slot is elsewhere. */
  subscribe(channel: string, subscriber: ShardSubscriber): (() => void) | CommandError
}

/** One who listens to a channel of sharded pub/sub. */
export interface ShardSubscriber {
  onMessage(message: string): void
  /** The slot of the channel has moved to another node. */
  onMoved(): void
}

/** One connection, as the server has it: it reads commands, and writes replies and messages. */
export class Session {
  readonly #server: SessionServer
  readonly #send: (bytes: string, isMessage: boolean) => void
  readonly #parser = new CommandParser()
  readonly #subscriptions = new Map<string, () => void>()
  readonly #shardSubscriptions = new Map<string, () => void>()
  #isAsking = false
  #protocol: Protocol = 2
  #isClosed = false
  /** Settles when all commands so far have their reply; unset if all had it at once. */
  #underWay: Promise<void> | undefined

  /** @param send Sends a reply, or a message that no command asked for. */
  constructor(server: SessionServer, send: (bytes: string, isMessage: boolean) => void) {
    this.#server = server
    this.#send = send
  }

  get hasSubscriptions(): boolean {
    return this.#subscriptions.size + this.#shardSubscriptions.size > 0
  }

  /** Takes bytes of the client's. */
  receive(bytes: string): void {
    for (const command of this.#parser.push(bytes)) {
      const running =
        this.#underWay === undefined
          ? this.#run(command)
          : this.#underWay.then(() => this.#run(command))
      this.#underWay = running ?? this.#underWay
    }
  }

  /** Ends its subscriptions. What is left of the client's commands isn't run. */
  close(): void {
    this.#isClosed = true
    for (const subscriptions of [this.#subscriptions, this.#shardSubscriptions]) {
      for (const unsubscribe of subscriptions.values()) unsubscribe()
      subscriptions.clear()
    }
  }

  #run(command: readonly string[]): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    const [name = '', ...args] = command
    const isAsking = this.#isAsking
    this.#isAsking = false
    const reply = this.#runOwn(name.toUpperCase(), args) ?? this.#server.run(command, isAsking)
    if (!(reply instanceof Promise)) {
      if (reply !== noReply) this.#send(encodeReply(reply, this.#protocol), false)
      return undefined
    }
    return reply.then((late) => this.#send(encodeReply(late, this.#protocol), false))
  }

  /** Runs a command about the connection; `undefined` if it is none. */
  #runOwn(name: string, args: readonly string[]): Reply | undefined {
    switch (name) {
      case 'HELLO':
        this.#protocol = args[0] === '3' ? 3 : 2
        return [
          'server',
          'redis',
          'version',
          version,
          'proto',
          this.#protocol,
          'mode',
          'standalone',
        ]
      case 'PING':
        return new Status('PONG')
      case 'INFO':
        return `# Server\r\nredis_version:${version}\r\n# Persistence\r\nloading:0\r\n`
      case 'CLIENT':
      case 'SELECT':
        return args[0]?.toUpperCase() === 'SETINFO'
          ? new CommandError("ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.")
          : ok
      case 'ASKING':
        this.#isAsking = true
        return ok
      case 'SUBSCRIBE':
        return this.#subscribe(args)
      case 'SSUBSCRIBE':
        return this.#subscribeToShard(args)
      case 'UNSUBSCRIBE':
        return this.#unsubscribe(name, args, this.#subscriptions)
      case 'SUNSUBSCRIBE':
        return this.#unsubscribe(name, args, this.#shardSubscriptions)
      default:
        return undefined
    }
  }

  #subscribe(channels: readonly string[]): Reply {
    for (const channel of channels) {
      if (this.#isClosed) break
      const onMessage = (message: string): void => this.#push(['message', channel, message])
      if (!this.#subscriptions.has(channel))
        this.#subscriptions.set(channel, this.#server.subscribe(channel, onMessage))
      this.#push(['subscribe', channel, this.#subscriptions.size])
    }
    return noReply
  }

  #subscribeToShard([channel = '']: readonly string[]): Reply {
    const subscriptions = this.#shardSubscriptions
    const { shards } = this.#server
    if (!shards) throw new Error('The model of a single Redis has no sharded pub/sub.')
    if (this.#isClosed) return noReply
    const subscription =
      subscriptions.get(channel) ??
      shards.subscribe(channel, {
        onMessage: (message) => this.#push(['smessage', channel, message]),
        onMoved: () => this.#unsubscribe('SUNSUBSCRIBE', [channel], subscriptions),
      })
    if (subscription instanceof CommandError) return subscription
    subscriptions.set(channel, subscription)
    this.#push(['ssubscribe', channel, subscriptions.size])
    return noReply
  }

  #unsubscribe(
    name: string,
    channels: readonly string[],
    subscriptions: Map<string, () => void>,
  ): Reply {
    for (const channel of channels) {
      subscriptions.get(channel)?.()
      subscriptions.delete(channel)
      this.#push([name.toLowerCase(), channel, subscriptions.size])
    }
    return noReply
  }

  #push(items: readonly Reply[]): void {
    this.#send(encodePush(items, this.#protocol), isMessage(items))
  }
}

/** The version that the model is checked against. */
const version = '7.0.15'
/** The reply of commands that are answered by what they push. */
const noReply: Reply = []

function isMessage([kind]: readonly Reply[]): boolean {
  return kind === 'message' || kind === 'smessage'
}
