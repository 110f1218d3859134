import type { IncomingMessage } from 'node:http'

/**
 * The inspector of a link, from `@trpc-sse/server/inspector`. `TContext` is the result of
 * `createContext`.
 */
export interface Inspector<TContext = never> {
  /** Carries the type. Never set at run time. */
  readonly types?: { readonly ctx: (ctx: TContext) => void }
}

/** A request to the inspector, in a form that doesn't depend on the runtime. */
export interface InspectorRequest {
  readonly method: string
  readonly url: URL
  /** The address of the socket's peer; `undefined` if it is unknown. */
  readonly peer: string | undefined
  /** The request that the app gets. */
  readonly req: IncomingMessage | Request
  header(name: string): string | null
  /** Reads the body. Rejects if it isn't JSON, is too large or takes too long. */
  readBody(): Promise<string>
  /** Calls the app's `createContext`. */
  createContext(): Promise<unknown>
}

/** The inspector of one link. */
export interface Inspection {
  /** Whether the inspector answers requests with this path. */
  isFor(path: string): boolean
  /** Answers a request. Doesn't reject. */
  serve(request: InspectorRequest): Promise<Response>
}
