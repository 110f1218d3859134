import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'

const head = { status: 200, headers: new Headers({ 'content-type': 'text/event-stream' }) }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

type Write = (this: http.ServerResponse, chunk: Uint8Array, ...rest: never[]) => boolean
type Seen = (text: string) => void

/** A `write` that records its arguments, and then calls the one that it wraps. */
function spying(write: unknown, seen: Seen): Write {
  return function (chunk, ...rest) {
    seen(Buffer.from(chunk).toString())
    return (write as Write).call(this, chunk, ...rest)
  }
}

/** The changes that a wrapper may make to a response or its class. */
interface Wrapper {
  readonly options?: (seen: Seen) => http.ServerOptions
  readonly prototype?: object
  response?(response: http.ServerResponse, seen: Seen): http.ServerResponse
  late?(response: http.ServerResponse, seen: Seen): void
}

const wrappers: Record<string, Wrapper> = {
  'a property of the response': {
    response(response, seen) {
      response.write = spying(response.write, seen) as never
      return response
    },
  },
  'a property that a response gets in the middle of its stream': {
    response: (response) => response,
    late(response, seen) {
      response.write = spying(response.write, seen) as never
    },
  },
  'the prototype of every response': { prototype: http.ServerResponse.prototype },
  'the prototype of every outgoing message': { prototype: http.OutgoingMessage.prototype },
  'a class that the server was given': {
    options: (seen) => {
      class Response extends http.ServerResponse {}
      Response.prototype.write = spying(http.ServerResponse.prototype.write, seen) as never
      return { ServerResponse: Response as never }
    },
  },
  'a proxy for the response': {
    response: (response, seen) =>
      new Proxy(response, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          if (name === 'write') return spying(value, seen).bind(target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  },
}

const afterwards: (() => void)[] = []
afterEach(() => {
  for (const undo of afterwards.splice(0)) undo()
})

function wrapPrototype(prototype: object, seen: Seen): void {
  const had = Object.getOwnPropertyDescriptor(prototype, 'write')
  afterwards.push(() => {
    if (had) Object.defineProperty(prototype, 'write', had)
    else Reflect.deleteProperty(prototype, 'write')
  })
  Object.assign(prototype, { write: spying(Reflect.get(prototype, 'write'), seen) })
}

/** A newly loaded copy of the module. */
async function loadAgain(): Promise<typeof import('./writer.ts')> {
  vi.resetModules()
  return await import('./writer.ts')
}

/** Streams `parts` to one client, one per turn of the event loop. Returns what the client got. */
async function stream(
  parts: readonly string[],
  { response: wrap, late, ...wrapper }: Wrapper,
  seen: Seen,
) {
  const { NodeResponseWriter } = await loadAgain()
  const write = async (response: http.ServerResponse): Promise<void> => {
    const writer = new NodeResponseWriter(response)
    writer.start(head, () => {})
    for (const [i, part] of parts.entries()) {
      writer.write([bytes(part)])
      await new Promise(setImmediate)
      if (i === 0) late?.(response, seen)
    }
    writer.end()
  }
  const server = http.createServer(
    wrapper.options?.(seen) ?? {},
    (_request, plain) => void write(wrap?.(plain, seen) ?? plain),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [response] = await once(http.get({ port, host: '127.0.0.1', agent: false }), 'response')
  let text = ''
  for await (const part of response) text += part
  server.close()
  await once(server, 'close')
  return text
}

describe('a wrapped response', () => {
  it.each(Object.entries(wrappers))('gives every byte to %s', async (_name, wrapper) => {
    const seen: string[] = []
    if (wrapper.prototype) {
      // Finds Node's own methods before they are wrapped.
      await stream(['a', 'b'], {}, () => {})
      wrapPrototype(wrapper.prototype, (text) => seen.push(text))
    }
    const got = await stream(['one', 'two', 'three'], wrapper, (text) => seen.push(text))
    expect(got).toBe('onetwothree')
    expect(seen).toEqual(wrapper.late ? ['two', 'three'] : ['one', 'two', 'three'])
  })

  it('gives every byte to a prototype that was wrapped while its stream was open', async () => {
    const seen: string[] = []
    const late = (): void =>
      wrapPrototype(http.OutgoingMessage.prototype, (text) => seen.push(text))
    expect(await stream(['one', 'two', 'three'], { late }, () => {})).toBe('onetwothree')
    expect(seen).toEqual(['two', 'three'])
  })

  it.each(['_send', '_writeRaw'])(
    'gives every byte to a wrapper of %s, as in older tools',
    async (name) => {
      let seen = ''
      const prototype = http.OutgoingMessage.prototype as unknown as Record<string, Write>
      const original = prototype[name] as Write
      afterwards.push(() => Object.assign(prototype, { [name]: original }))
      prototype[name] = spying(original, (text) => {
        seen += text
      })
      await stream(['one', 'two', 'three'], {}, () => {})
      for (const part of ['one', 'two', 'three']) expect(seen).toContain(part)
    },
  )

  it('gives every byte to a wrapper of the socket', async () => {
    let seen = ''
    const response = (plain: http.ServerResponse): http.ServerResponse => {
      const { socket } = plain
      if (socket) {
        socket.write = spying(socket.write, (text) => {
          seen += text
        }) as never
      }
      return plain
    }
    await stream(['one', 'two', 'three'], { response }, () => {})
    for (const part of ['one', 'two', 'three']) expect(seen).toContain(part)
  })
})

it('writes a chunk to the socket in one piece if the response isn’t wrapped', async () => {
  const written: string[] = []
  const response = (plain: http.ServerResponse): http.ServerResponse => {
    const { socket } = plain
    if (socket) socket.write = spying(socket.write, (text) => written.push(text)) as never
    return plain
  }
  await stream(['one', 'two', 'three'], { response }, () => {})
  expect(written).toContain('3\r\ntwo\r\n')
  expect(written).toContain('5\r\nthree\r\n')
})
