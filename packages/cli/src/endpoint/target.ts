import type { Clock } from '@trpc-sse/server'
import type { CommandCall } from '../command.ts'
import { usageError } from '../exit-codes.ts'
import { parseJson } from '../json.ts'
import type { OptionSpecs, Options } from '../options.ts'

/** The endpoint to examine, and how to ask it. */
export interface Target {
  /** The address of the endpoint, without a slash at the end. */
  readonly url: URL
  /** Headers of every request, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The subscription to start on the streams, if any. */
  readonly subscription: { readonly path: string; readonly input?: unknown } | undefined
  /** Whether to accept certificates that can't be verified. */
  readonly insecure: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** The options that name an endpoint and a subscription. */
export const targetOptions: OptionSpecs = {
  header: { value: '<name: value>', help: 'a header to send; can be repeated', multiple: true },
  path: { value: '<path>', help: 'the path of a subscription to start' },
  input: { value: '<json>', help: 'its input, as on the wire: transformed, if you use that' },
}

/** Reads an endpoint from the first argument and the options. Throws a usage error. */
export function targetOf({ args: [text = ''], options, io }: CommandCall): Target {
  return {
    url: endpointUrl(text),
    headers: headersOf(options),
    subscription: subscriptionOf(options),
    insecure: options.flag('insecure'),
    clock: io.clock,
    signal: io.signal,
  }
}

function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError('give the address of the tRPC endpoint, like https://example.com/trpc.')
  if (url.username !== '' || url.password !== '')
    throw usageError('the address has a password. Send it as --header "authorization: …".')
  url.pathname = url.pathname.replace(/\/+$/, '')
  url.hash = ''
  return url
}

function headersOf(options: Options): Readonly<Record<string, string>> {
  return Object.fromEntries(options.texts('header').map(parseHeader))
}

function parseHeader(text: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+): ?([^\r\n\0]*)$/.exec(text) ?? []
  if (name === '') throw usageError('--header must be like "authorization: Bearer …".')
  return [name.toLowerCase(), value]
}

function subscriptionOf(options: Options): Target['subscription'] {
  const [path, input] = [options.text('path'), options.text('input')]
  if (path === undefined) {
    if (input === undefined) return undefined
    throw usageError('--input needs --path.')
  }
  if (input === undefined) return { path }
  try {
    return { path, input: parseJson(input) }
  } catch {
    throw usageError(`--input is not JSON. Write for example '{"room":"lobby"}'.`)
  }
}
