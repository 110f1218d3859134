import { createInstance } from './instance.ts'
import { listenOn } from './listen.ts'
import { onShutdown } from './on-shutdown.ts'

/** The entry of a child process: one of several instances. It reports its port to the parent. */
const { server, close } = await createInstance(Number(process.env.DEMO_INSTANCE))
const port = await listenOn(server, 0, '127.0.0.1')
process.send?.({ port })
onShutdown(async () => {
  if (process.connected) process.send?.({ port: undefined })
  await close()
})
