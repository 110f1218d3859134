import { createHandler } from './app.ts'

interface Env {
  readonly app: {
    idFromName(name: string): unknown
    get(id: unknown): { fetch(req: Request): Promise<Response> }
  }
}

/**
 * If a channel's events are in memory, one object must serve all requests. A Worker can't write
 * from one request to the stream of another, and a request's work stops when its client has left.
 */
export class App {
  readonly fetch: (req: Request) => Promise<Response> = createHandler({
    // workerd reports that a client has left only at the next write to it.
    heartbeatMs: 500,
  })
}

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default {
  fetch: (req: Request, { app }: Env): Promise<Response> =>
    app.get(app.idFromName('app')).fetch(req),
}
