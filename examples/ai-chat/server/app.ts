import { createServer } from 'node:http'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import express from 'express'
import { channels } from './channels.ts'
import { appRouter } from './router.ts'

const port = Number(process.env.PORT ?? 3000)
const trpc = createExpressMiddleware({ router: appRouter, channels })

export const app = express().use('/trpc', trpc)
export const server = createServer(app)

export function listen(): void {
  server.listen(port, () => console.log(`http://localhost:${port}`))
}

/** Ends this process: clients move to another one, and its runs are abandoned. */
export async function stop(): Promise<void> {
  server.close()
  await trpc.link.drain()
  await channels.close()
  process.exit()
}
