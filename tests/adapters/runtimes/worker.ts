import { createHandler } from './app.ts'

interface Env {
  readonly app: {
    idFromName(name: string): unknown
    get(id: unknown): { fetch(req: Request): Promise<Response> }
  }
}

/**
 * Where a channel's events are kept in memory, all who share them must be in one object: a Worker
 * may not write from one request to the stream of another, and nothing of a request goes on when
 * its client has left.
 */
export class App {
  readonly fetch: (req: Request) => Promise<Response> = createHandler({
    // workerd tells of a client that has left when something is written to it.
    heartbeatMs: 500,
  })
}

// biome-ignore lint/style/noDefaultExport: the runtime demands it.
export default {
  fetch: (req: Request, { app }: Env): Promise<Response> =>
    app.get(app.idFromName('app')).fetch(req),
}
