// A process that publishes to the Redis at a given URL when it is told to, and sends the steps that
// it traces.
import { redisBackend } from '@trpc-sse/redis'
import { createChannels } from '@trpc-sse/server'
import { roomsWith } from './rooms.ts'

const [, , url = ''] = process.argv
const channels = createChannels({
  ...roomsWith(redisBackend({ url })),
  trace: (step, facts) => process.send?.([step, facts]),
})
process.on('message', (text) => {
  void channels.room({ id: 'a' }).publish({ text: String(text) })
})
process.send?.('ready')
