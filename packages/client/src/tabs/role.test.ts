import { describe, expect, it } from 'vitest'
import { initialRole, nextRole, type RoleEvent } from './role.ts'

const cases: Array<[behaviour: string, events: RoleEvent[], phase: string]> = [
  ['is out until something is wanted', ['granted', 'lost', 'silent', 'leave', 'served'], 'out'],
  ['waits for the lock', ['enter'], 'queued'],
  ['leads with it', ['enter', 'granted'], 'leading'],
  ['takes it from one that is silent', ['enter', 'silent'], 'stealing'],
  ['leads with what it took', ['enter', 'silent', 'granted'], 'leading'],
  ['waits again if another was faster', ['enter', 'silent', 'lost'], 'queued'],
  ['waits again when the lock is taken away', ['enter', 'granted', 'lost'], 'queued'],
  ['can lead again', ['enter', 'granted', 'lost', 'granted'], 'leading'],
  ['leaves while it leads', ['enter', 'granted', 'leave'], 'out'],
  ['hears nothing of a lock that it has left', ['enter', 'leave', 'granted'], 'out'],
  ['comes back', ['enter', 'granted', 'leave', 'enter'], 'queued'],
  ['is alone where there are no locks', ['enter', 'broken'], 'alone'],
  ['is alone where channels carry nothing', ['enter', 'granted', 'silent'], 'alone'],
  ['stays alone', ['enter', 'broken', 'enter', 'granted', 'lost', 'leave', 'changed'], 'alone'],
  ['joins another group as somebody else', ['enter', 'changed', 'enter'], 'queued'],
  [
    'is alone if it is always somebody else',
    ['enter', 'changed', 'enter', 'changed', 'changed'],
    'alone',
  ],
  ['is not if it was served between', ['enter', 'changed', 'changed', 'served', 'changed'], 'out'],
]

describe('the role of a tab', () => {
  it.each(cases)('%s', (_behaviour, events, phase) => {
    expect(events.reduce(nextRole, initialRole).phase).toBe(phase)
  })
})
