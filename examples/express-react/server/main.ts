// `npm start`: the server, and the page as `npm run build` has built it.
import { join } from 'node:path'
import express from 'express'
import { app, listen, server, trpc } from './app.ts'

app.use(express.static(join(import.meta.dirname, '../dist')))
listen()

/** Sends the clients away, so that they go on elsewhere without a hole. */
async function stop(): Promise<void> {
  server.close()
  await trpc.link.drain()
  process.exit()
}

process.once('SIGTERM', () => void stop())
