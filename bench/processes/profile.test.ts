import { expect, it } from 'vitest'
import { selfTimes } from './profile.ts'

const frame = (functionName: string, url = ''): never =>
  ({ functionName, url, lineNumber: 41, columnNumber: 0, scriptId: '1' }) as never

it('adds up the self time of each function, as a share of the busy time', () => {
  const nodes = [
    { id: 1, callFrame: frame('write', 'file:///somewhere/sink.ts') },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('') },
    // The same function, called from elsewhere.
    { id: 4, callFrame: frame('write', 'file:///somewhere/sink.ts') },
  ]
  const profile = { nodes, samples: [1, 2, 3, 4], timeDeltas: [30, 900, 20, 50] }
  expect(selfTimes(profile)).toEqual([
    { name: 'write sink.ts:42', share: 0.8 },
    { name: '(anonymous)', share: 0.2 },
  ])
})
