import { type Clock, isPlainObject, RealtimeError } from '@trpc-sse/protocol'
import type { InspectorRequest } from '../link/inspection.ts'
import { callHandler } from '../user-code/calls.ts'
import { within } from '../user-code/within.ts'
import { type Access, type Allow, checkAccess } from './access.ts'
import { answerMs, maxBody, maxRequests } from './bounds.ts'
import { toFailure } from './failure.ts'
import type { InspectedFleet } from './fleet.ts'
import type { Action, Query } from './messages.ts'
import { parseQuery } from './query.ts'
import { jsonResponse, pageResponse, refusal } from './respond.ts'
import { isFromPage } from './same-site.ts'

/** The parts of {@link InspectorServer}. */
export interface InspectorServerOptions {
  readonly allow: Allow | undefined
  readonly onAction: ((about: object) => unknown) | undefined
  readonly fleet: InspectedFleet
  readonly clock: Clock
}

/** Answers requests to the inspector: GET with the page, POST with the answer to a question. */
export class InspectorServer {
  readonly #options: InspectorServerOptions
  #requests = 0

  constructor(options: InspectorServerOptions) {
    this.#options = options
  }

  async serve(request: InspectorRequest): Promise<Response> {
    const { method } = request
    if (method !== 'GET' && method !== 'POST')
      return refusal(405, 'METHOD_NOT_SUPPORTED', 'The inspector answers GET and POST.')
    if (method === 'POST' && !isFromPage(request))
      return refusal(403, 'FORBIDDEN', 'Only the inspector’s own page may ask the inspector.')
    const { allow, clock } = this.#options
    const access = await checkAccess(allow, request, clock)
    if (!access.allowed) return refusal(403, 'FORBIDDEN', access.message)
    return method === 'GET' ? pageResponse() : await this.#answerInTurn(request, access)
  }

  async #answerInTurn(request: InspectorRequest, access: Access): Promise<Response> {
    if (this.#requests >= maxRequests)
      return refusal(429, 'TOO_MANY_REQUESTS', 'Too many pages ask at the same time.')
    this.#requests += 1
    try {
      return await this.#answer(request, access)
    } catch (error) {
      return jsonResponse(toFailure(error), 400)
    } finally {
      this.#requests -= 1
    }
  }

  async #answer(request: InspectorRequest, access: Access): Promise<Response> {
    const { fleet, clock } = this.#options
    const { query, instance } = parseBody(await request.readBody())
    if (isAction(query)) this.#tell(query, instance, request, access)
    const asking = query.type === 'instances' ? fleet.instances() : fleet.ask(instance, query)
    return jsonResponse(await within(clock, answerMs, asking))
  }

  #tell(action: Action, instance: string, { req }: InspectorRequest, access: Access): void {
    const ctx = access.allowed ? access.ctx : undefined
    callHandler('onAction', () => this.#options.onAction?.({ action, instance, ctx, req }))
  }
}

function isAction(query: Query): query is Action {
  return query.type === 'publish' || query.type === 'drill' || query.type === 'interrupt'
}

function parseBody(text: string): { readonly query: Query; readonly instance: string } {
  if (text.length > maxBody) {
    const message = `The request has more than ${maxBody} characters.`
    throw new RealtimeError('INVALID_MESSAGE', message)
  }
  const body = parseJson(text)
  const { query, instance } = isPlainObject(body) ? body : {}
  return { query: parseQuery(query), instance: typeof instance === 'string' ? instance : '' }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RealtimeError('INVALID_MESSAGE', 'The request is no JSON.', { cause })
  }
}
