import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen } from '../../../../../tests/support/http.ts'
import { minBufferedBytes } from '../connection/response-writer.ts'
import { NodeResponseWriter } from './writer.ts'

const head = { status: 200, headers: new Headers({ 'content-type': 'text/event-stream' }) }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A server whose responses are written by `use`, and an agent with one persistent connection. */
async function setup(
  use: (writer: NodeResponseWriter, response: http.ServerResponse) => void,
  prepare = noPreparation,
) {
  const server = http.createServer((_request, response) => {
    prepare(response)
    const writer = new NodeResponseWriter(response)
    writer.start(head, () => {})
    use(writer, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async get(): Promise<http.IncomingMessage> {
      const { port } = server.address() as AddressInfo
      const [response] = await once(http.get({ port, host: '127.0.0.1', agent }), 'response')
      return response
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function noPreparation(_response: http.ServerResponse): void {}

async function body(response: http.IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of response) text += part
  return text
}

describe('the writer of a Node response', () => {
  it('sends headers before the first write', async () => {
    let writer: NodeResponseWriter | undefined
    await using s = await setup((given) => {
      writer = given
    })
    const response = await s.get()
    expect(response.headers['content-type']).toBe('text/event-stream')
    writer?.end()
    expect(await body(response)).toBe('')
  })

  it('writes shared chunks that each client reads unchanged', async () => {
    const shared = [bytes('one'), bytes('zwei ✓'), bytes('x'.repeat(70_000))]
    await using s = await setup((writer) => {
      for (const each of [...shared, ...shared]) writer.write([each])
      writer.end()
    })
    const expected = `onezwei ✓${'x'.repeat(70_000)}`.repeat(2)
    for (let i = 0; i < 2; i++) expect(await body(await s.get())).toBe(expected)
  })

  it('writes the chunks of one write in order, whatever their sizes', async () => {
    const chunks = ['a', 'b'.repeat(20_000), 'c', 'd', 'e'.repeat(2_000), 'f'.repeat(90_000), 'g']
    const written = chunks.map(bytes)
    await using s = await setup((writer) => {
      writer.write([bytes('first')])
      // The second and third writes repeat the chunks of the previous write.
      for (let i = 0; i < 3; i++) writer.write([...written])
      writer.write(written.slice(1, 2))
      writer.end()
    })
    const expected = `first${chunks.join('').repeat(3)}${chunks[1]}`
    for (let i = 0; i < 2; i++) expect((await body(await s.get())) === expected).toBe(true)
  })

  it('leaves no listener on a connection that later serves other requests', async () => {
    const listeners: number[] = []
    await using s = await setup((writer, response) => {
      listeners.push(response.socket?.listenerCount('drain') ?? 0)
      writer.write([bytes('a')])
      writer.write([bytes('b')])
      writer.end()
    })
    for (let i = 0; i < 3; i++) expect(await body(await s.get())).toBe('ab')
    expect(new Set(listeners).size).toBe(1)
  })

  it('gives every byte to a write method of middleware', async () => {
    const written: string[] = []
    await using s = await setup(
      (writer) => {
        writer.write([bytes('a')])
        writer.write([bytes('b')])
        writer.end()
      },
      (response) => {
        const write = response.write.bind(response)
        response.write = (chunk: Uint8Array) => {
          written.push(new TextDecoder().decode(chunk))
          return write(chunk)
        }
      },
    )
    expect(await body(await s.get())).toBe('ab')
    expect(written).toEqual(['a', 'b'])
  })

  it('causes no error when it writes to a client that has closed its half', async () => {
    const errors: unknown[] = []
    const server = http.createServer((request, response) => {
      const writer = new NodeResponseWriter(response)
      writer.start(head, () => {})
      writer.write([bytes('first')])
      request.socket.once('end', () => {
        queueMicrotask(() => writer.write([bytes('late')]))
        setImmediate(() => writer.write([bytes('later')]))
      })
    })
    server.on('clientError', (error, socket) => {
      errors.push(error)
      socket.destroy()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(client, 'data')
    client.end()
    await once(client, 'close')
    server.close()
    await once(server, 'close')
    expect(errors).toEqual([])
  })

  it('calls onDrain once a slow client has read', async () => {
    let drained = 0
    const server = http.createServer((_request, response) => {
      const writer = new NodeResponseWriter(response)
      writer.start(head, () => {
        drained += 1
        writer.end()
      })
      writer.write([bytes('first')])
      for (let i = 0; i < 200; i++) writer.write([bytes('x'.repeat(65_536))])
      expect(writer.bufferedBytes()).toBeGreaterThan(0)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [response] = await once(http.get({ port, host: '127.0.0.1', agent: false }), 'response')
    expect((await body(response)).length).toBe(5 + 200 * 65_536)
    expect(drained).toBe(1)
    server.close()
    await once(server, 'close')
  })

  it.each([
    ['straight to the socket', noPreparation],
    ['by the response', wrapWrite],
  ])('calls onDrain even if the server buffers more than the writer, %s', async (_, prepare) => {
    const server = http.createServer({ highWaterMark: 8_388_608 }, (_request, response) => {
      prepare(response)
      const writer = new NodeResponseWriter(response)
      writer.start(head, () => {
        if (isFull && writer.bufferedBytes() === 0) writer.end()
      })
      let isFull = false
      writer.write([bytes('first')])
      while (!isFull) {
        writer.write([bytes('x'.repeat(65_536))])
        isFull = writer.bufferedBytes() > minBufferedBytes
      }
      expect(writer.bufferedBytes()).toBeLessThan(8_388_608)
    })
    await using running = await listen(server)
    const [response] = await once(http.get(running.url, { agent: false }), 'response')
    expect(await body(response)).toMatch(/^firstx+$/)
  })
})

/**
 * Replaces a response's `write`, as middleware does, so that bytes can't go directly to the socket.
 */
function wrapWrite(response: http.ServerResponse): void {
  const write = response.write.bind(response) as (...args: unknown[]) => boolean
  response.write = (...args: unknown[]) => write(...args)
}
