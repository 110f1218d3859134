import { Agent, type RequestListener, request as send } from 'node:http'
import { pipeline } from 'node:stream'

/**
 * One address for many instances: each request goes to the next one, and nothing is remembered of who went where.
 * A stand-in for the load balancer of a real deployment; no sticky sessions.
 */
export function createDoor(ports: () => readonly number[]): RequestListener {
  const agent = new Agent({ keepAlive: true })
  let turn = 0

  function nextPort(): number | undefined {
    const open = ports()
    turn += 1
    return open[turn % open.length]
  }

  return (request, response) => {
    const port = nextPort()
    if (port === undefined) {
      response.writeHead(503, { 'retry-after': '1' }).end('No instance is up.\n')
      return
    }
    const { method, url: path, headers, socket } = request
    const forwarded = { ...headers, 'x-forwarded-for': socket.remoteAddress ?? '' }
    const onward = send({ host: '127.0.0.1', port, method, path, headers: forwarded, agent })
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      // Ends either side when the other one is cut.
      pipeline(answer, response, () => {})
    })
    onward.on('error', () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end('The instance is gone.\n')
    })
    response.once('close', () => onward.destroy())
    request.pipe(onward)
  }
}
