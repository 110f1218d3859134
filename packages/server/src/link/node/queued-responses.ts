import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Responses that wait behind earlier ones on their socket. Node 20 and 22 forget them when the socket is gone: no 'close', not
 * destroyed, for ever. So a client could take all places of a server, by many requests on one socket that it closes.
 *
 * @see https://github.com/nodejs/node/pull/62534
 */
const queues = new WeakMap<Socket, Set<ServerResponse>>()

/** Sees to it that a response has its 'close' though its turn on the socket never comes. */
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

/** One listener for each socket, however many requests a client sends ahead. */
function listen(socket: Socket): Set<ServerResponse> {
  const queue = new Set<ServerResponse>()
  queues.set(socket, queue)
  socket.once('close', () => {
    // Newer versions of Node have done so already, and for one that has had its turn all do.
    for (const response of queue) if (isQueued(response) && !response.destroyed) close(response)
  })
  return queue
}

function close(response: ServerResponse): void {
  response.destroy()
  response.emit('close')
}

/** Whether its turn has not come, or is over. */
function isQueued({ socket }: ServerResponse): boolean {
  return socket === null
}
