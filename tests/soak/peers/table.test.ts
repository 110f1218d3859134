import { expect, it } from 'vitest'
import type { Counts } from './counts.ts'
import type { Peer } from './peer.ts'
import { notesOf, tableOf } from './table.ts'

const peer: Peer = {
  name: 'One',
  packages: ['one', 'two'],
  how: 'By post',
  notice: 'a letter',
  docs: ['https://one.example/', 'https://two.example/'],
  serve: () => Promise.reject(new Error('Not called.')),
  follow: () => () => {},
}
const client: Counts = {
  received: 9,
  lost: 1,
  silent: 2,
  repeated: 3,
  republished: 4,
  outOfOrder: 5,
  notices: 6,
}

it('has a row for each library, which adds up its clients, and a list of versions and docs', () => {
  const report = { published: 10, faults: 1, clients: [client, client] }
  const rows = [{ peer, versions: ['1.0.0', '2.0.0'], report }]
  expect(tableOf(rows).split('\n').at(-1)).toBe('| One | 10 | 20 | 2 | 4 | 6 | 8 | 10 | 12 |')
  expect(notesOf(rows)).toBe(
    '- **One**: `one` 1.0.0, `two` 2.0.0. By post ([docs](https://one.example/), [docs 2](https://two.example/)). Its notice: a letter.',
  )
})
