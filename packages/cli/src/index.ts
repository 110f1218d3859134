export type { CliIo, CliOutput } from './io.ts'
export { runCli } from './run-cli.ts'
