import { Agent, type RequestListener, request as send } from 'node:http'
import { pipeline } from 'node:stream'

/**
 * Creates a load balancer for local instances: each request goes to the next one, round-robin, with
 * no sticky sessions.
 */
export function createLoadBalancer(ports: () => readonly number[]): RequestListener {
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
      // Ends either side when the other one breaks.
      pipeline(answer, response, () => {})
    })
    onward.on('error', () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end('The instance did not answer.\n')
    })
    response.once('close', () => onward.destroy())
    request.pipe(onward)
  }
}
