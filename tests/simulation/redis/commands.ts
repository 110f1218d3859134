import type { RedisCommand } from './command.ts'
import { hashCommands } from './hash-commands.ts'
import { keyCommands } from './key-commands.ts'
import { CommandError } from './reply.ts'
import { sortedSetCommands } from './sorted-set-commands.ts'
import { streamCommands } from './stream-commands.ts'

const publish: RedisCommand = {
  arity: 3,
  run: (context, [channel = '', message = '']) => context.publish(channel, message),
}

const publishToShard: RedisCommand = {
  arity: 3,
  run: (context, [channel = '', message = '']) => context.publishToShard(channel, message),
}

const commands: ReadonlyMap<string, RedisCommand> = new Map(
  Object.entries<RedisCommand>({
    ...keyCommands,
    ...streamCommands,
    ...hashCommands,
    ...sortedSetCommands,
    PUBLISH: publish,
    SPUBLISH: publishToShard,
  }),
)

/** Finds a command by its name, and checks how many arguments it gets. */
export function findCommand(name: string, argumentCount: number): RedisCommand {
  const command = commands.get(name.toUpperCase())
  if (command === undefined) throw new CommandError(`ERR unknown command '${name}'`)
  const given = argumentCount + 1
  if (command.arity < 0 ? given < -command.arity : given !== command.arity)
    throw new CommandError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
  return command
}
