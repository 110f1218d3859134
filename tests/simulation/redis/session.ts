import { CommandError, ok, type Reply, Status } from './reply.ts'
import { CommandParser, encodePush, encodeReply, type Protocol } from './resp.ts'

/** What a connection needs of the server. */
export interface SessionServer {
  /** Runs a command. */
  run(command: readonly string[]): Reply | Promise<Reply>
  subscribe(channel: string, onMessage: (message: string) => void): () => void
}

/** One connection, as the server has it: it reads commands, and writes replies and messages. */
export class Session {
  readonly #server: SessionServer
  readonly #send: (bytes: string, isMessage: boolean) => void
  readonly #parser = new CommandParser()
  readonly #subscriptions = new Map<string, () => void>()
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
    return this.#subscriptions.size > 0
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
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe()
    this.#subscriptions.clear()
  }

  #run(command: readonly string[]): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    const [name = '', ...args] = command
    const reply = this.#runOwn(name.toUpperCase(), args) ?? this.#server.run(command)
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
      case 'SUBSCRIBE':
      case 'SSUBSCRIBE':
        return this.#subscribe(name, args)
      case 'UNSUBSCRIBE':
      case 'SUNSUBSCRIBE':
        return this.#unsubscribe(name, args)
      default:
        return undefined
    }
  }

  #subscribe(name: string, channels: readonly string[]): Reply {
    const kind = name === 'SSUBSCRIBE' ? 'smessage' : 'message'
    for (const channel of channels) {
      if (this.#isClosed) break
      const onMessage = (message: string): void => this.#push([kind, channel, message])
      if (!this.#subscriptions.has(channel))
        this.#subscriptions.set(channel, this.#server.subscribe(channel, onMessage))
      this.#push([name.toLowerCase(), channel, this.#subscriptions.size])
    }
    return noReply
  }

  #unsubscribe(name: string, channels: readonly string[]): Reply {
    for (const channel of channels) {
      this.#subscriptions.get(channel)?.()
      this.#subscriptions.delete(channel)
      this.#push([name.toLowerCase(), channel, this.#subscriptions.size])
    }
    return noReply
  }

  #push(items: readonly Reply[]): void {
    this.#send(encodePush(items, this.#protocol), items[0] === 'message')
  }
}

/** The version that the model is checked against. */
const version = '7.0.15'
/** The reply of commands that are answered by what they push. */
const noReply: Reply = []
