import type { Command, CommandCall } from '../command.ts'
import type { Check } from '../doctor/check.ts'
import type { CrossOrigin } from '../doctor/cors-checks.ts'
import { checkEndpoint } from '../doctor/endpoint-checks.ts'
import { printCheck, printSummary } from '../doctor/print-checks.ts'
import { checkRedis } from '../doctor/redis-checks.ts'
import { targetOf, targetOptions } from '../endpoint/target.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Options } from '../options.ts'
import { redisOptions } from '../redis/options.ts'

/** Examines an endpoint and a Redis. */
export const doctorCommand: Command = {
  name: 'doctor',
  args: '[url]',
  argCount: [0, 1],
  summary: 'Finds what is wrong between the server link and its clients, or with its Redis.',
  details: [
    'Give the address of the tRPC endpoint, as clients see it, or --redis, or both.',
    'It opens two streams, and waits for a heartbeat: 15 seconds, unless you change heartbeatMs.',
  ],
  options: {
    ...targetOptions,
    origin: { value: '<origin>', help: 'check what a page of this origin may do' },
    credentials: { help: 'with --origin: the page sends cookies' },
    idle: { value: '<seconds>', help: 'how long to wait for a heartbeat; by default 60' },
    insecure: { help: 'accept certificates that can’t be verified' },
    strict: { help: 'exit with 1 for warnings, too' },
    ...redisOptions,
  },
  run: async (call) => {
    const { options, print } = call
    const checks: Check[] = []
    for await (const check of findings(call)) {
      checks.push(check)
      printCheck(print, check)
    }
    const problems = printSummary(print, checks)
    const isBad = options.flag('strict')
      ? checks.some(({ status }) => status === 'warning' || status === 'problem')
      : problems > 0
    return isBad ? exitCodes.problem : exitCodes.ok
  },
}

async function* findings(call: CommandCall): AsyncGenerator<Check> {
  const { args, options } = call
  const hasRedis = options.has('redis')
  if (args.length === 0 && !hasRedis)
    throw usageError('give the address of an endpoint, or --redis.')
  if (args.length > 0) {
    const idle = options.number('idle', { least: 0, most: 600 }) ?? 60
    yield* checkEndpoint(targetOf(call), { cross: crossOriginOf(options), idleMs: idle * 1_000 })
  }
  if (hasRedis) yield* await checkRedis(call)
}

function crossOriginOf(options: Options): CrossOrigin | undefined {
  const origin = options.text('origin')
  if (origin === undefined) return undefined
  if (!URL.canParse(origin) || new URL(origin).origin !== origin)
    throw usageError('--origin must be like https://app.example.com, without a slash at the end.')
  return { origin, credentials: options.flag('credentials') }
}
