import { type AdapterApp, createAdapterApp } from './adapter-app.ts'
import { type CaseClient, connectTo } from './case-client.ts'

/**
 * Middleware that apps put in front of tRPC, in the framework's usual form:
 *
 * - `cors`: allows pages of {@link corsOrigin}, with credentials.
 * - `compression`: compresses responses.
 * - `parsedBody`: parses JSON, so the body has been read before the adapter gets the request.
 */
export type AdapterExtra = 'cors' | 'compression' | 'parsedBody'

/** The origin that `cors` allows. */
export const corsOrigin = 'https://app.example'

/** The app and middleware to serve for a case. */
export interface AdapterServeOptions {
  /**
   * The app. Mount it with the adapter under test, at a path below the root. If the server is
   * another process, create the app there with {@link createAdapterApp}.
   */
  readonly app: AdapterApp
  /** The middleware to put in front of the app, if any. */
  readonly extra: AdapterExtra | undefined
}

/** The server of a case's app. */
export interface AdapterServer {
  /**
   * The URL of tRPC: `http://127.0.0.1:3000/trpc`, or `https:` for HTTP/2, with any certificate.
   */
  readonly url: string
  /** Calls `drain` of the adapter's link. */
  drain(): Promise<void>
  /** Stops the server. The case closes its own connections first. */
  close(): Promise<void>
}

/** The parts that a test runner provides for a case. */
export interface AdapterCaseContext {
  serve(options: AdapterServeOptions): Promise<AdapterServer>
  /** The middleware that can be put in front. */
  readonly extras: readonly AdapterExtra[]
}

/** One conformance case. */
export interface AdapterCase {
  /** The subject, in one or two words. */
  readonly about: string
  /** The expected behaviour: a sentence without its subject, which is the adapter. */
  readonly name: string
  /** The middleware that must be in `extras` of the context. */
  readonly needs: readonly AdapterExtra[]
  /** Rejects if the adapter behaves differently. */
  run(context: AdapterCaseContext): Promise<void>
}

/** Whether a context has the middleware that a case needs. Report other cases as skipped. */
export function canServe(context: AdapterCaseContext, adapterCase: AdapterCase): boolean {
  return adapterCase.needs.every((extra) => context.extras.includes(extra))
}

/** A client of the served app, for one case. */
export interface ServedApp extends CaseClient {
  readonly drain: () => Promise<void>
  /** The entries of the app's diary so far. */
  diary(): Promise<readonly string[]>
}

/** Creates a case that tests a served app. */
export function adapterCase(
  about: string,
  name: string,
  work: (served: ServedApp) => Promise<void>,
  extra?: AdapterExtra,
): AdapterCase {
  return {
    about,
    name,
    needs: extra === undefined ? [] : [extra],
    async run(context) {
      const server = await context.serve({ app: createAdapterApp(), extra })
      const client = connectTo(server.url)
      const drain = (): Promise<void> => server.drain()
      const diary = async (): Promise<readonly string[]> =>
        (await client.get('diary').then((answer) => answer.json<{ result: { data: string[] } }>()))
          .result.data
      try {
        await work({ ...client, drain, diary })
      } finally {
        client.close()
        await server.close()
      }
    },
  }
}
