import type { PeerReport } from './compare.ts'
import type { Counts } from './counts.ts'
import type { Peer } from './peer.ts'

/** A row of the table. */
export interface Row {
  readonly peer: Peer
  /** The versions of its packages, in their order. */
  readonly versions: readonly string[]
  readonly report: PeerReport
}

const sums = ['lost', 'silent', 'repeated', 'republished', 'outOfOrder', 'notices'] as const

/** Lists the libraries, in Markdown: versions, how they deliver, how they notify of losses, docs. */
export function notesOf(rows: readonly Row[]): string {
  return rows
    .map(({ peer: { name, packages, how, notice, docs }, versions }) => {
      const list = packages.map((one, i) => `\`${one}\` ${versions[i]}`).join(', ')
      const links = docs.map((page, i) => `[docs${i > 0 ? ` ${i + 1}` : ''}](${page})`).join(', ')
      return `- **${name}**: ${list}. ${how} (${links}). Its notice: ${notice}.`
    })
    .join('\n')
}

/** Makes the table, in Markdown: the counts of all clients together. */
export function tableOf(rows: readonly Row[]): string {
  const head = [
    'library',
    'published',
    'due',
    'lost',
    'silent',
    'repeated',
    'published again',
    'out of order',
    'notices',
  ]
  const lines = rows.map(({ peer, report: { published, clients } }) => {
    const total = (key: keyof Counts): number => clients.reduce((all, one) => all + one[key], 0)
    return [peer.name, published, published * clients.length, ...sums.map(total)]
  })
  const line = (cells: ReadonlyArray<string | number>): string => `| ${cells.join(' | ')} |`
  return [head, head.map(() => '---'), ...lines].map(line).join('\n')
}
