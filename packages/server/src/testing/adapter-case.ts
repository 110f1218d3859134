import { type AdapterApp, createAdapterApp } from './adapter-app.ts'
import { type CaseClient, connectTo } from './case-client.ts'

/**
 * What apps put in front of tRPC, each with the framework's own means:
 * - `cors`: lets pages of {@link corsOrigin} in, with credentials;
 * - `compression`: compresses answers;
 * - `parsedBody`: a JSON parser, so that the body is read before the adapter gets the request.
 */
export type AdapterExtra = 'cors' | 'compression' | 'parsedBody'

/** The origin that `cors` lets in. */
export const corsOrigin = 'https://app.example'

/** What a case asks to be served. */
export interface AdapterServeOptions {
  /**
   * Mount it with the adapter under test, somewhere below the root. Where that is another process, make it there, with
   * {@link createAdapterApp}.
   */
  readonly app: AdapterApp
  /** What must stand in front; nothing else may. */
  readonly extra: AdapterExtra | undefined
}

/** The app, served. */
export interface AdapterServer {
  /** Where tRPC is: `http://127.0.0.1:3000/trpc`, or `https:` for HTTP/2; any certificate will do. */
  readonly url: string
  /** Calls `drain` of the link behind the adapter. */
  drain(): Promise<void>
  /** Ends it. The case has closed its connections. */
  close(): Promise<void>
}

/** What a case is given to try an adapter with. */
export interface AdapterCaseContext {
  serve(options: AdapterServeOptions): Promise<AdapterServer>
  /** What can be put in front. */
  readonly extras: readonly AdapterExtra[]
}

/** One case of conformance. */
export interface AdapterCase {
  /** What is tried, in a word or two. */
  readonly about: string
  /** What the adapter does, as a sentence without its subject. */
  readonly name: string
  /** Without these in `extras` of the context, the case can't be run. */
  readonly needs: readonly AdapterExtra[]
  /** Rejects with what is wrong. */
  run(context: AdapterCaseContext): Promise<void>
}

/** Tells whether a context has what a case needs. Report the others as skipped. */
export function canServe(context: AdapterCaseContext, adapterCase: AdapterCase): boolean {
  return adapterCase.needs.every((extra) => context.extras.includes(extra))
}

/** What a case works with. */
export interface Served extends CaseClient {
  readonly drain: () => Promise<void>
  /** The entries of the app's diary so far. */
  diary(): Promise<readonly string[]>
}

/** Makes a case of what is done with an app that is served. */
export function adapterCase(
  about: string,
  name: string,
  work: (served: Served) => Promise<void>,
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
