import { describe, expect, it } from 'vitest'
import { initialRole, nextRole, type RoleEvent } from './role.ts'

const cases: Array<[behaviour: string, events: RoleEvent[], phase: string]> = [
  ['is out until a stream is wanted', ['granted', 'lost', 'silent', 'leave', 'served'], 'out'],
  ['waits for the lock', ['enter'], 'queued'],
  ['leads with the lock', ['enter', 'granted'], 'leading'],
  ['takes the lock from a silent leader', ['enter', 'silent'], 'stealing'],
  ['leads with the lock that it took', ['enter', 'silent', 'granted'], 'leading'],
  ['waits again if another tab was faster', ['enter', 'silent', 'lost'], 'queued'],
  ['waits again when the lock is taken away', ['enter', 'granted', 'lost'], 'queued'],
  ['can lead again', ['enter', 'granted', 'lost', 'granted'], 'leading'],
  ['leaves while it leads', ['enter', 'granted', 'leave'], 'out'],
  ['ignores a lock that it has left', ['enter', 'leave', 'granted'], 'out'],
  ['comes back', ['enter', 'granted', 'leave', 'enter'], 'queued'],
  ['is alone without locks', ['enter', 'broken'], 'alone'],
  ["is alone if channels don't work", ['enter', 'granted', 'silent'], 'alone'],
  ['stays alone', ['enter', 'broken', 'enter', 'granted', 'lost', 'leave', 'changed'], 'alone'],
  ['joins another group as another user', ['enter', 'changed', 'enter'], 'queued'],
  [
    'is alone if the user always changes',
    ['enter', 'changed', 'enter', 'changed', 'changed'],
    'alone',
  ],
  [
    'is not alone if it was served in between',
    ['enter', 'changed', 'changed', 'served', 'changed'],
    'out',
  ],
]

describe('the role of a tab', () => {
  it.each(cases)('%s', (_behaviour, events, phase) => {
    expect(events.reduce(nextRole, initialRole).phase).toBe(phase)
  })
})
