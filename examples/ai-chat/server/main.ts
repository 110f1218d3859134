// `npm start`: serves the API and the page that `npm run build` has built. If REDIS_URL is set, it
// starts two processes, and replaces one that crashes.
import cluster from 'node:cluster'
import { join } from 'node:path'
import express from 'express'

if (cluster.isPrimary) {
  cluster.fork()
  if (process.env.REDIS_URL !== undefined) cluster.fork()
  cluster.on('exit', () => cluster.fork())
  process.once('SIGTERM', () => {
    cluster.removeAllListeners('exit')
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill()
  })
} else {
  const { app, listen, stop } = await import('./app.ts')
  app.use(express.static(join(import.meta.dirname, '../dist')))
  listen()
  process.once('SIGTERM', () => void stop())
}
