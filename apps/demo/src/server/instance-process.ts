import { createInstance } from './instance.ts'
import { listenOn } from './listen.ts'
import { onceAsked } from './on-shutdown.ts'

/** One of several instances: a child process behind the door. Tells its parent its port, and when it has none any more. */
const { server, close } = await createInstance(Number(process.env.DEMO_INSTANCE))
const port = await listenOn(server, 0, '127.0.0.1')
process.send?.({ port })
onceAsked(async () => {
  if (process.connected) process.send?.({ port: undefined })
  await close()
})
