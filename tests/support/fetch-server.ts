import http, { type IncomingMessage, type ServerResponse } from 'node:http'

/** Serves web-standard requests on Node, as frameworks do. */
export function fetchServer(handle: (request: Request) => Promise<Response>): http.Server {
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const response = await handle(await toRequest(req, res))
    res.writeHead(response.status, [...response.headers].flat())
    for await (const chunk of response.body ?? []) res.write(chunk)
    res.end()
  }
  return http.createServer((req, res) => void serve(req, res))
}

async function toRequest(req: IncomingMessage, res: ServerResponse): Promise<Request> {
  const abort = new AbortController()
  res.once('close', () => abort.abort())
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return new Request(`http://localhost${req.url}`, {
    method: req.method ?? 'GET',
    headers: req.headers as HeadersInit,
    signal: abort.signal,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  })
}
