import type { Target } from '../endpoint/target.ts'
import { type Check, ok, problem } from './check.ts'
import { type Probe, probe } from './probe.ts'
import { streamUrl } from './requests.ts'

/** What a page of another origin does. */
export interface CrossOrigin {
  readonly origin: string
  /** Whether it sends cookies. */
  readonly credentials: boolean
}

const page = 'server-link.md#from-another-origin'

/** Checks the answer to the request that a browser sends before a stream of another origin. */
export async function checkPreflight(target: Target, cross: CrossOrigin): Promise<Check> {
  const sent = ['content-type', ...Object.keys(target.headers).filter((name) => name !== 'cookie')]
  const answer = await probe(target, {
    url: streamUrl(target),
    method: 'OPTIONS',
    headers: {
      origin: cross.origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': sent.sort().join(','),
    },
    limitMs: 5_000,
  })
  const faults = [
    ...(answer.status >= 200 && answer.status < 300 ? [] : [`its status is ${answer.status}`]),
    ...originFaults(answer, cross),
    ...headerFaults(answer, cross, sent),
  ]
  if (faults.length === 0) return ok('cors-preflight', `${cross.origin} may open streams`)
  return problem('cors-preflight', {
    what: `the answer to OPTIONS refuses ${cross.origin}: ${faults.join('; ')}`,
    why: 'The browser then doesn’t send the request for a stream.',
    change: 'Answer the preflight before anything that authenticates, with these headers.',
    page,
  })
}

/** Checks that a page of another origin may read a stream. */
export function checkCrossOriginStream(stream: Probe, cross: CrossOrigin): Check {
  const faults = originFaults(stream, cross)
  if (faults.length === 0) return ok('cors-stream', `${cross.origin} may read streams`)
  return problem('cors-stream', {
    what: `the stream can't be read by ${cross.origin}: ${faults.join('; ')}`,
    why: 'The preflight isn’t enough: every answer needs the headers, errors included.',
    change: 'Set the headers for all requests, not only for OPTIONS.',
    page,
  })
}

function originFaults({ headers }: Probe, { origin, credentials }: CrossOrigin): readonly string[] {
  const allowed = headers['access-control-allow-origin']
  const isAllowed = allowed === origin || (allowed === '*' && !credentials)
  const withCookies = headers['access-control-allow-credentials'] === 'true'
  return [
    ...(isAllowed ? [] : [`access-control-allow-origin is ${allowed ?? 'missing'}`]),
    ...(credentials && !withCookies ? ['access-control-allow-credentials is not true'] : []),
  ]
}

function headerFaults(
  { headers }: Probe,
  { credentials }: CrossOrigin,
  sent: readonly string[],
): readonly string[] {
  const names = (headers['access-control-allow-headers'] ?? '').toLowerCase().split(/[\s,]+/)
  // The wildcard doesn't include authorization.
  const isAllowed = (name: string): boolean =>
    names.includes(name) || (names.includes('*') && !credentials && name !== 'authorization')
  return sent
    .filter((name) => !isAllowed(name))
    .map((name) => `access-control-allow-headers lacks ${name}`)
}
