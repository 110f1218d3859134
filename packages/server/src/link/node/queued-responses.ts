import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Responses that wait behind earlier ones on their socket. When the socket closes, Node 20 and 22
 * forget these responses: they are never destroyed, and never emit 'close'. A client that sends
 * many requests and closes the socket could exhaust the server's memory.
 *
 * @see https://github.com/nodejs/node/pull/62534
 */
const queues = new WeakMap<Socket, Set<ServerResponse>>()

/** Makes a response emit 'close' if its socket closes before the response's turn. */
export function closeWithSocket(
  { socket, httpVersionMajor }: IncomingMessage,
  response: ServerResponse,
): void {
  if (httpVersionMajor > 1 || !socket || !isQueued(response) || response.destroyed) return
  const queue = queues.get(socket) ?? listen(socket)
  queue.add(response)
  response.once('close', () => queue.delete(response))
  if (socket.destroyed) close(response)
}

/** Adds one listener per socket, however many requests a client sends in advance. */
function listen(socket: Socket): Set<ServerResponse> {
  const queue = new Set<ServerResponse>()
  queues.set(socket, queue)
  socket.once('close', () => {
    // Newer versions of Node have already closed these responses. All versions close a response
    // that has had its turn.
    for (const response of queue) if (isQueued(response) && !response.destroyed) close(response)
  })
  return queue
}

function close(response: ServerResponse): void {
  response.destroy()
  response.emit('close')
}

/** Whether the response's turn has not come yet, or is over. */
function isQueued({ socket }: ServerResponse): boolean {
  return socket === null
}
