import { createServer } from 'node:http'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import cookieParser from 'cookie-parser'
import express from 'express'
import { appRouter, channels } from './router.ts'
import { readSession } from './session.ts'

const port = Number(process.env.PORT ?? 3000)

/** The middleware for tRPC. Its `link` has `stats` and `drain`. */
export const trpc = createExpressMiddleware({
  router: appRouter,
  channels,
  createContext: (request) => ({ ...readSession(request), disconnect }),
  // Only the same user may change a connection.
  connectionKey: ({ user }) => user,
})

/** Disconnects a user. Their clients reconnect; those without a session are refused. */
function disconnect(user: string): void {
  trpc.link.disconnect(({ key }) => key === user, 'signed out')
}

export const app = express().use(cookieParser()).use('/trpc', trpc)
export const server = createServer(app)

export function listen(): void {
  server.listen(port, () => console.log(`http://localhost:${port}`))
}
