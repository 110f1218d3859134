import type { Command } from './command.ts'
import { formatTable } from './output/table.ts'

const documentation = 'https://github.com/trpc-sse/trpc-sse/blob/main/docs/cli.md'

/** The help of the program. */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary])
  return [
    'Usage: trpc-sse <command> [options]',
    '',
    ...formatTable(rows),
    '',
    'trpc-sse <command> --help lists the options of a command.',
    documentation,
    '',
  ].join('\n')
}

/** The help of one command. */
export function commandHelp({ name, args, summary, details = [], options }: Command): string {
  const rows = Object.entries(options).map(([option, { value, help }]) => [
    `  --${option}${value === undefined ? '' : ` ${value}`}`,
    help,
  ])
  return [
    `Usage: ${['trpc-sse', name, args, '[options]'].filter((part) => part !== '').join(' ')}`,
    '',
    summary,
    ...(details.length > 0 ? ['', ...details] : []),
    '',
    ...formatTable(rows),
    '',
  ].join('\n')
}
