import type { Inspection } from '../inspection.ts'
import type { LinkParts } from '../link-parts.ts'
import { requestInfo } from '../request/subscription-request.ts'
import type { RequestOptions } from '../request-options.ts'
import { addHeaders } from '../response-head.ts'
import { readFetchBody } from './body.ts'

/** Serves a web-standard request to the inspector. */
export async function serveInspector(
  { bodies }: LinkParts,
  inspection: Inspection,
  options: RequestOptions,
  req: Request,
): Promise<Response> {
  const url = new URL(req.url)
  const info = requestInfo([], url, req.signal)
  const resHeaders = new Headers()
  const answer = await inspection.serve({
    method: req.method,
    url,
    peer: undefined,
    req,
    header: (name) => req.headers.get(name),
    async readBody() {
      const body = bodies.begin(undefined)
      try {
        return await readFetchBody(req, body)
      } finally {
        body.release()
      }
    },
    createContext: async () => options.createContext?.({ req, resHeaders, info }),
  })
  addHeaders(answer.headers, resHeaders)
  return answer
}
