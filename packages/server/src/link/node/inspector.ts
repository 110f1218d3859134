import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Inspection } from '../inspection.ts'
import type { LinkParts } from '../link-parts.ts'
import type { IncomingRequest } from '../request/match.ts'
import { requestInfo } from '../request/subscription-request.ts'
import type { RequestOptions } from '../request-options.ts'
import { writeAnswer } from './answer.ts'
import { discardBody, readNodeBody } from './body.ts'

/** Serves a Node request to the inspector. */
export async function serveInspector(
  { bodies }: LinkParts,
  inspection: Inspection,
  options: RequestOptions,
  { request: req, response: res }: { request: IncomingMessage; response: ServerResponse },
  target: IncomingRequest,
): Promise<void> {
  const { method, url } = target
  const over = new AbortController()
  res.once('close', () => over.abort())
  const info = requestInfo([], url, over.signal)
  const answer = await inspection.serve({
    method,
    url,
    peer: req.socket?.remoteAddress,
    req,
    header: (name) => target.header(name),
    async readBody() {
      const body = bodies.begin(undefined)
      try {
        return await readNodeBody(req, body)
      } finally {
        body.release()
      }
    },
    createContext: async () => options.createContext?.({ req, res, info }),
  })
  await writeAnswer(res, answer)
  discardBody(req, bodies)
}
