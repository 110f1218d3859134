import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Wraps a handler: `POST /control/cut?page=<id>` destroys the sockets of the connections that this
 * page has opened, without a closing frame, as a tunnel would.
 */
export function withCuts(handle: RequestListener): RequestListener {
  const socketsOf = new Map<string, Set<Socket>>()

  function remember(page: string, { socket }: IncomingMessage, response: ServerResponse): void {
    const sockets = socketsOf.get(page) ?? new Set()
    socketsOf.set(page, sockets.add(socket))
    response.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) socketsOf.delete(page)
    })
  }

  function cut(page: string): number {
    const sockets = [...(socketsOf.get(page) ?? [])]
    for (const socket of sockets) socket.resetAndDestroy()
    return sockets.length
  }

  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://demo')
    const page = searchParams.get('page')
    if (request.method === 'POST' && pathname === '/control/cut') {
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ cut: cut(page ?? '') }))
      return
    }
    if (page !== null) remember(page, request, response)
    handle(request, response)
  }
}
