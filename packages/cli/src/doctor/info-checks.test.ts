import { describe, expect, it } from 'vitest'
import { checkInfo } from './info-checks.ts'
import { parseInfo } from './redis-info.ts'

const right = {
  redis_version: '7.0.15',
  redis_mode: 'standalone',
  role: 'master',
  maxmemory: '0',
  used_memory: '1000',
  maxmemory_policy: 'noeviction',
}

/** The reply of INFO, with changes. */
function info(changes: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ ...right, ...changes }).map(([name, value]) => `${name}:${value}`)
  return ['# Server', ...lines, ''].join('\r\n')
}

function findings(text: string, isCluster = false): string[] {
  const checks = checkInfo(parseInfo(text), isCluster)
  return checks.flatMap(({ check, status }) => (status === 'ok' ? [] : [`${status} ${check}`]))
}

describe('checkInfo', () => {
  it.each([
    [{}],
    [{ redis_version: '6.2.0' }],
    [{ redis_version: '10.0.0' }],
    [{ redis_version: '7.2.4', valkey_version: '8.0.1' }],
    [{ maxmemory: '1000000' }],
  ])('finds nothing in %j', (changes) => {
    expect(findings(info(changes))).toEqual([])
  })

  it.each([
    [{ redis_version: '6.0.20' }, 'problem redis-version'],
    [{ redis_version: '' }, 'problem redis-version'],
    [{ redis_mode: 'sentinel', role: '', maxmemory_policy: '' }, 'problem redis-mode'],
    [{ redis_mode: 'cluster' }, 'problem redis-mode'],
    [{ role: 'slave' }, 'problem redis-role'],
    [{ maxmemory: '1', maxmemory_policy: 'allkeys-lru' }, 'problem redis-memory'],
    [{ maxmemory_policy: 'volatile-lru' }, 'warning redis-memory'],
    [{ maxmemory: '1050' }, 'warning redis-memory'],
  ])('finds in %j: %s', (changes, finding) => {
    expect(findings(info(changes))).toEqual([finding])
  })

  it('accepts a Cluster that is used as one', () => {
    expect(findings(info({ redis_mode: 'cluster' }), true)).toEqual([])
  })
})
