import type { Command } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { formatDuration, formatTime } from '../output/durations.ts'
import { cut } from '../output/text.ts'
import { type RedisConnection, withRedis } from '../redis/connect.ts'
import { findLogs, scanOptions } from '../redis/find-logs.ts'
import { type LogFacts, runStatusOf } from '../redis/log-facts.ts'
import { redisTime } from '../redis/open-log.ts'
import { redisOptions } from '../redis/options.ts'
import { logWithoutLoss } from '../redis/policy.ts'

/** Lists runs. */
export const runsCommand: Command = {
  name: 'runs',
  args: '[run]',
  argCount: [0, 1],
  summary: 'Lists runs with their status, newest first.',
  options: {
    status: {
      value: '<status>',
      help: 'only runs that are running, completed, failed, stopped or abandoned',
    },
    ...scanOptions,
    ...redisOptions,
  },
  run: ({ args: [name], options, print, io }) => {
    const wanted = options.text('status')
    if (wanted !== undefined && !statuses.includes(wanted))
      throw usageError(`--status must be one of ${statuses.join(', ')}.`)
    return withRedis({ options, io }, async (connection) => {
      const logs = await findLogs(connection, { name, options, print, io })
      const nowMs = await redisTime(connection)
      const runs: RunFacts[] = []
      for (const facts of logs.filter(({ kind }) => kind === 'run')) {
        io.signal.throwIfAborted()
        const run = await readRun(connection, facts, nowMs)
        if (run && (wanted === undefined || run.status === wanted)) runs.push(run)
      }
      runs.sort((a, b) => (b.facts.lastAt ?? 0) - (a.facts.lastAt ?? 0))
      const rows = runs.map((run) => ({ cells: cellsOf(run, nowMs), value: toJson(run) }))
      print.table(['RUN', 'PARAMS', 'STATUS', 'DELTAS', 'LAST EVENT', 'REASON'], rows)
      if (runs.length === 0) print.note('no runs')
      return exitCodes.ok
    })
  },
}

const statuses: readonly string[] = ['running', 'completed', 'failed', 'stopped', 'abandoned']

interface RunFacts {
  readonly facts: LogFacts
  readonly status: string
  readonly reason: string | undefined
  /** The number of stored deltas; `undefined` for a run that was stopped before it began. */
  readonly deltas: number | undefined
}

/** Reads the entries through the backend, which removes a lease that has expired. */
async function readRun(
  { backend }: RedisConnection,
  facts: LogFacts,
  nowMs: number,
): Promise<RunFacts | undefined> {
  const page = await backend.entries?.(logWithoutLoss(facts, nowMs), { limit: 16 })
  const entries = new Map(page?.entries)
  const state = runStatusOf(entries.get('status') ?? null)
  if (!state) return undefined
  const isAlive = entries.has('lease') || entries.has('deltas')
  const status = state.status === 'running' && !isAlive ? 'abandoned' : state.status
  const count = entries.get('count')
  return {
    facts,
    status,
    reason: state.reason,
    deltas: count === undefined ? count : Number(count),
  }
}

function cellsOf({ facts, status, deltas, reason }: RunFacts, nowMs: number): string[] {
  const { name, params, lastAt } = facts
  const age = lastAt === undefined ? 'none yet' : `${formatDuration(nowMs - lastAt)} ago`
  return [cut(name, 60), cut(params, 80), status, `${deltas ?? 0}`, age, cut(reason ?? '', 200)]
}

function toJson({ facts, status, deltas = 0, reason }: RunFacts): unknown {
  const { key, name, params, lastEventId, lastAt } = facts
  return {
    key,
    name,
    ...(params !== '' && { params: JSON.parse(params) }),
    status,
    ...(reason !== undefined && { reason }),
    deltas,
    lastEventId,
    ...(lastAt !== undefined && { lastAt: formatTime(lastAt) }),
  }
}
