// `npm run dev`: one process serves the API and, with hot reload, the page.
import { createServer } from 'vite'
import config from '../vite.config.ts'
import { app, listen, server } from './app.ts'

// Without `configFile: false`, Vite writes a copy of its configuration, and `node --watch`
// restarts.
const vite = await createServer({
  ...config,
  configFile: false,
  server: { middlewareMode: true, hmr: { server } },
})
app.use(vite.middlewares)
listen()
