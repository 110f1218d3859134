import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TRPCError } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import { createContext, type LinkOptions, toldOnce } from '../options.ts'
import { flush, writeHead } from './writer.ts'

/** What tRPC is to answer. */
export interface TrpcCall {
  readonly request: Request
  readonly path: string
  /** What a middleware has passed on, or is wrong with the request itself. */
  readonly error: TRPCError | null
  /** The request as the app knows it, and where it may set headers. */
  readonly about: Readonly<
    { req: Request; resHeaders: Headers } | { req: IncomingMessage; res: ServerResponse }
  >
}

/** Has tRPC's own handler answer what is no stream. */
export async function answerByTrpc(
  options: LinkOptions,
  { request, path, error, about }: TrpcCall,
): Promise<Response> {
  const response = await resolveResponse({
    ...(options as object as Pick<LinkOptions, 'router'>),
    req: request,
    path,
    error,
    createContext: async (info) => await createContext(options, { ...about, ...(info as object) }),
    onError: toldOnce((failure) =>
      options.onError?.({ ...(failure as object), req: about.req } as never),
    ),
  })
  // HTTP/2 forbids those, and with HTTP/1.1 a server knows by itself.
  for (const name of ['connection', 'transfer-encoding']) response.headers.delete(name)
  return response
}

/** Writes an answer to a Node response, with what others have set there. Resolves when it is over, or nobody waits for it. */
export async function writeAnswer(
  response: ServerResponse,
  { status, headers, body }: Response,
): Promise<void> {
  const reader = body?.getReader()
  const cancel = (): void => void reader?.cancel().catch(() => {})
  response.once('close', cancel)
  writeHead(response, { status, headers })
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    const goesOn = response.write(read.value)
    flush(response)
    if (!goesOn) await drained(response)
  }
  response.off('close', cancel)
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
