// `npm start`: serves the API, and the page that `npm run build` has built.
import { join } from 'node:path'
import express from 'express'
import { app, listen, server, trpc } from './app.ts'

app.use(express.static(join(import.meta.dirname, '../dist')))
listen()

/** Drains the connections: clients move to another server, and miss no event. */
async function stop(): Promise<void> {
  server.close()
  await trpc.link.drain()
  process.exit()
}

process.once('SIGTERM', () => void stop())
