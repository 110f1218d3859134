import { createServer } from 'node:http'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import cookieParser from 'cookie-parser'
import express from 'express'
import { appRouter, channels } from './router.ts'
import { readSession } from './session.ts'

const port = Number(process.env.PORT ?? 3000)

/** The link, for `stats` and `drain`, is `trpc.link`. */
export const trpc = createExpressMiddleware({
  router: appRouter,
  channels,
  createContext: (request) => ({ ...readSession(request), endStreams }),
  // Only the same user can change a stream.
  connectionKey: ({ user }) => user,
})

/** Ends the streams of a user. Their clients ask again, and who has no session any more is refused. */
function endStreams(user: string): void {
  trpc.link.disconnect(({ key }) => key === user, 'signed out')
}

export const app = express().use(cookieParser()).use('/trpc', trpc)
export const server = createServer(app)

export function listen(): void {
  server.listen(port, () => console.log(`http://localhost:${port}`))
}
