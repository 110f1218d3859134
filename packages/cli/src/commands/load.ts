import type { Command, CommandCall } from '../command.ts'
import { targetOf, targetOptions } from '../endpoint/target.ts'
import { CliError, exitCodes, unreachable, usageError } from '../exit-codes.ts'
import { brokenLimits, limitOptions, limitsOf } from '../load/limits.ts'
import { runLoad } from '../load/run.ts'
import { LoadTable } from '../load/table.ts'
import { Tally } from '../load/tally.ts'
import type { Printer } from '../output/printer.ts'
import { cut } from '../output/text.ts'

/** Loads an endpoint with many clients. */
export const loadCommand: Command = {
  name: 'load',
  args: '<url>',
  argCount: [1, 1],
  summary: 'Opens many clients with sseLink, and prints each second what they see.',
  details: [
    'Each client has a connection of its own. Load only servers that are yours.',
    'Latency is from the time in an event’s id to its handler: both clocks must agree.',
  ],
  options: {
    ...targetOptions,
    clients: { value: '<number>', help: 'the number of clients, up to 10000; by default 10' },
    seconds: { value: '<number>', help: 'the duration, up to 3600; by default 10' },
    rate: { value: '<number>', help: 'how many clients to start in a second; by default 100' },
    single: { help: 'use single mode, as a stock client does' },
    ...limitOptions,
  },
  run: async (call) => {
    const { options, print, io } = call
    const { settings, limits } = settingsOf(call)
    const tally = new Tally()
    const table = new LoadTable(print, tally)
    const mode = options.flag('single') ? 'single' : 'multiplexed'
    const onTick = (elapsedMs: number): void => table.add(elapsedMs)
    await runLoad({ ...settings, mode, tally, onTick })
    printEnd(print, tally, settings.clients)
    if (tally.everConnected === 0) throw unreachable(noStream(settings.forMs))
    const broken = brokenLimits(limits, tally)
    for (const text of broken) print.note(text)
    if (io.signal.aborted) throw new CliError('interrupted', exitCodes.interrupted)
    return broken.length > 0 ? exitCodes.problem : exitCodes.ok
  },
}

function noStream(forMs: number): string {
  const advice = '`trpc-sse doctor` with the same address finds out why.'
  return `no client got a stream within ${forMs / 1_000} seconds. ${advice}`
}

function settingsOf(call: CommandCall) {
  const { options } = call
  const target = targetOf(call)
  const { subscription } = target
  if (!subscription) throw usageError('give the path of a subscription: --path onMessage.')
  return {
    limits: limitsOf(options),
    settings: {
      target,
      path: subscription.path,
      input: subscription.input,
      clients: options.number('clients', { least: 1, most: 10_000 }) ?? 10,
      forMs: 1_000 * (options.number('seconds', { least: 1, most: 3_600 }) ?? 10),
      rate: options.number('rate', { least: 1, most: 10_000 }) ?? 100,
    },
  }
}

function printEnd(print: Printer, tally: Tally, clients: number): void {
  const { total, latency, everConnected, earlyMs, causes } = tally
  const value = {
    total: {
      clients,
      connected: everConnected,
      ...total,
      p50Ms: latency.percentileMs(0.5),
      p99Ms: latency.percentileMs(0.99),
      maxMs: Math.round(latency.maxMs),
    },
  }
  const counts = Object.entries(value.total).map(([name, count]) => `${name} ${count}`)
  print.result(value, `total: ${counts.join(', ')}`)
  for (const [cause, count] of causes) print.note(`${count} × ${cut(cause, 300)}`)
  if (earlyMs > 0)
    print.note(`the clocks differ by at least ${Math.ceil(earlyMs)} ms: latencies are too low`)
}
