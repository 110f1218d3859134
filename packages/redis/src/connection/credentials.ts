import { connect as connectTcp, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Clock, RealtimeError } from '@trpc-sse/server'
import { AbstractConnector, type RedisOptions, SentinelConnector } from 'ioredis'

/** The credentials that a connection logs in with. */
export interface RedisCredentials {
  /**
   * The ACL user.
   *
   * @default 'default'
   */
  readonly username?: string | undefined
  readonly password: string
}

/** Returns credentials, which may differ each time. */
export type GetCredentials = () => RedisCredentials | Promise<RedisCredentials>

/** Options for getting credentials at each connect. */
export interface CredentialsOptions {
  readonly clock: Clock
  /** The timeout of `getCredentials`, in milliseconds. */
  readonly timeoutMs: number
  readonly getCredentials: GetCredentials
  /** Called with each password. */
  onPassword(password: string): void
}

/** The class with which an ioredis client opens its connections. */
export type Connector = NonNullable<RedisOptions['Connector']>
type EmitError = Parameters<AbstractConnector['connect']>[0]
type Stream = Awaited<ReturnType<AbstractConnector['connect']>>

/**
 * Creates a `Connector` for clients that get their credentials at every connect. ioredis has no
 * other hook that can wait for them. It reads its options before it connects, but converts them to
 * text only when it logs in. So the options hold objects whose text is the current credentials.
 *
 * @param options The client's options, which determine how it connects.
 */
export function createConnector(options: RedisOptions, parts: CredentialsOptions): Connector {
  const Base =
    options.Connector ?? (options.sentinels ? (SentinelConnector as Connector) : SocketConnector)
  return class extends Base {
    #credentials: RedisCredentials = { password: '' }
    #giveUp = (): void => {}

    constructor(clientOptions: unknown) {
      super(clientOptions)
      Object.assign(
        clientOptions as RedisOptions,
        writtenLater(() => this.#credentials),
      )
    }

    override async connect(emit: EmitError): Promise<Stream> {
      this.connecting = true
      const closed = new Promise<undefined>((resolve) => {
        this.#giveUp = () => resolve(undefined)
      })
      try {
        const credentials = await Promise.race([ask(parts), closed])
        if (credentials !== undefined) this.#credentials = credentials
      } catch (error) {
        this.firstError = error as Error
        // A destroyed socket counts as a failed connection, so ioredis retries. It doesn't after a
        // rejection.
        if (this.connecting) return new Socket().destroy()
      }
      if (!this.connecting) throw new Error('Connection is closed.')
      return await Base.prototype.connect.call(this, emit)
    }

    override disconnect(): void {
      super.disconnect()
      this.#giveUp()
    }
  }
}

/** Returns options for ioredis whose values are read only when they are sent over a connection. */
export function writtenLater(
  getCredentials: () => {
    readonly username?: string | null | undefined
    readonly password?: unknown
  },
): { username: string; password: string } {
  const username = { toString: () => getCredentials().username ?? 'default' }
  const password = { toString: () => String(getCredentials().password ?? '') }
  return { username, password } as unknown as { username: string; password: string }
}

/** Calls `getCredentials`. Rejects if it fails, returns no password, or takes too long. */
async function ask(options: CredentialsOptions): Promise<RedisCredentials> {
  const { clock, timeoutMs, getCredentials, onPassword } = options
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () =>
      reject(new Error(`It returned nothing within ${timeoutMs} ms.`)),
    )
  })
  try {
    const credentials: Partial<RedisCredentials> = await Promise.race([getCredentials(), late])
    const { username, password } = credentials
    if (typeof password !== 'string') throw new TypeError('It returned no password.')
    onPassword(password)
    return { username, password }
  } catch (cause) {
    const message = 'credentials() failed, so there is no connection to Redis. Retrying.'
    throw new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
  } finally {
    cancel()
  }
}

/** Connects to an address in the same way as ioredis's own connector. */
class SocketConnector extends AbstractConnector {
  readonly #options: RedisOptions

  constructor(options: unknown) {
    super((options as RedisOptions).disconnectTimeout ?? 2_000)
    this.#options = options as RedisOptions
  }

  async connect(): Promise<Stream> {
    const { path, host = 'localhost', port = 6_379, family, tls } = this.#options
    const address = path ? { path } : { host, port, ...(family && { family }) }
    this.connecting = true
    this.stream = tls ? connectTls({ ...address, ...tls }) : connectTcp(address)
    this.stream.once('error', (error) => {
      this.firstError = error
    })
    return this.stream
  }
}
