// `npm start`: serves the API, and the page that `npm run build` has built.
import { join } from 'node:path'
import { gracefulShutdown } from '@trpc-sse/server/shutdown'
import express from 'express'
import { app, listen, server, trpc } from './app.ts'
import { channels } from './router.ts'

app.use(express.static(join(import.meta.dirname, '../dist')))
// On SIGTERM, clients move to another server, and miss no event. Answers /livez and /readyz.
gracefulShutdown({ server, link: trpc.link, channels })
listen()
