import type { Command } from './command.ts'
import { channelsCommand } from './commands/channels.ts'
import { doctorCommand } from './commands/doctor.ts'
import { historyCommand } from './commands/history.ts'
import { loadCommand } from './commands/load.ts'
import { publishCommand } from './commands/publish.ts'
import { runsCommand } from './commands/runs.ts'
import { stateCommand } from './commands/state.ts'
import { tailCommand } from './commands/tail.ts'

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [
  channelsCommand,
  historyCommand,
  tailCommand,
  publishCommand,
  runsCommand,
  stateCommand,
  doctorCommand,
  loadCommand,
]
