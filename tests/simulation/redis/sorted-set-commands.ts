import { decimal, isOption, wholeNumber } from './arguments.ts'
import type { RedisCommand } from './command.ts'
import { SortedSet } from './keyspace.ts'
import { formatGeneral } from './lua/numbers.ts'
import { syntaxError } from './reply.ts'

/** Commands on sorted sets. */
export const sortedSetCommands = {
  ZADD: {
    arity: -4,
    isWrite: true,
    needsMemory: true,
    run({ keys }, [name = '', ...pairs]) {
      if (pairs.length % 2 === 1) throw syntaxError()
      const scores = pairs.flatMap((text, i) => (i % 2 === 0 ? [decimal(text)] : []))
      const set = keys.sortedSet(name) ?? new SortedSet()
      const before = set.scores.size
      for (const [i, score] of scores.entries()) set.scores.set(pairs[2 * i + 1] ?? '', score)
      if (before === 0) keys.set(name, set)
      return set.scores.size - before
    },
  },
  ZREM: {
    arity: -3,
    isWrite: true,
    run({ keys }, [name = '', ...members]) {
      const set = keys.sortedSet(name)
      const removed = members.filter((member) => set?.scores.delete(member)).length
      if (set?.scores.size === 0) keys.delete(name)
      return removed
    },
  },
  ZSCORE: {
    arity: 3,
    run({ keys }, [name = '', member = '']) {
      const score = keys.sortedSet(name)?.scores.get(member)
      return score === undefined ? null : formatScore(score)
    },
  },
  ZRANGE: {
    arity: -4,
    run({ keys }, [name = '', from, to, option]) {
      if (option !== undefined && !isOption(option, 'WITHSCORES')) throw syntaxError()
      const members = keys.sortedSet(name)?.sorted() ?? []
      const [start, end] = [from, to].map((text) => {
        const index = wholeNumber(text)
        return Math.max(-1, index < 0 ? members.length + index : index)
      })
      const found = members.slice(Math.max(0, start ?? 0), (end ?? 0) + 1)
      return found.flatMap(([member, score]) =>
        option === undefined ? [member] : [member, formatScore(score)],
      )
    },
  },
  ZRANGEBYSCORE: {
    arity: -4,
    run({ keys }, [name = '', from = '', to = '', option, offset, count]) {
      const [low, high] = [decimal(from), decimal(to)]
      if (option !== undefined && !isOption(option, 'LIMIT')) throw syntaxError()
      const [skipped, limit] = option ? [wholeNumber(offset), wholeNumber(count)] : [0, -1]
      const members = keys.sortedSet(name)?.sorted() ?? []
      const found = members.filter(([, score]) => score >= low && score <= high)
      const end = limit < 0 ? undefined : skipped + limit
      return found.slice(skipped, end).map(([member]) => member)
    },
  },
} satisfies Record<string, RedisCommand>

function formatScore(score: number): string {
  return formatGeneral(score, 17)
}
