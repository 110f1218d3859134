import { TRPCError } from '@trpc/server'
import { bodyWasRead, givenBody, type ParsedRequest } from './given-body.ts'

/** The largest body of a request to `~sse`, in bytes. */
const maxBytes = 1_048_576

/** Reads the JSON body of a Node request, whether or not somebody has parsed it before. */
export async function readNodeBody(request: ParsedRequest): Promise<string> {
  try {
    mustBeJson(request.headers['content-type'])
    const given = givenBody(request)
    // Ending the iteration early would destroy the socket that the answer goes to.
    return given ?? (await readAll(request.iterator({ destroyOnReturn: false })))
  } finally {
    // What is left of it goes nowhere: over HTTP/2, a client that can't get rid of it never sees the end of the answer.
    request.resume()
  }
}

/** Reads the JSON body of a web-standard request. */
export async function readFetchBody(request: Request): Promise<string> {
  mustBeJson(request.headers.get('content-type') ?? undefined)
  if (request.bodyUsed || request.body?.locked) throw bodyWasRead('fetch', 'read a clone of the request')
  return request.body ? await readAll(chunksOf(request.body)) : ''
}

// Other types need no preflight: any page could send them with the user's cookies.
function mustBeJson(type: string | undefined): void {
  if (type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json') return
  const had = type === undefined ? 'it has none' : `it is ${JSON.stringify(type.slice(0, 64))}`
  const message =
    `POST ~sse needs the header content-type: application/json (P46), and ${had}. ` +
    'Check what a fetch of your own, or a proxy, does to the headers.'
  throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message })
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const text = new TextDecoder()
  let body = ''
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      const message = `The body breaks P48 of the protocol: it has more than ${maxBytes} bytes.`
      throw new TRPCError({ code: 'BAD_REQUEST', message })
    }
    body += text.decode(chunk, { stream: true })
  }
  return body
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    await reader.cancel()
  }
}
