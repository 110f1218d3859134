// `npm run dev`: one process for the server and, with hot reload, the page.
import { createServer } from 'vite'
import config from '../vite.config.ts'
import { app, listen, server } from './app.ts'

// Vite would write a copy of its configuration and import that, which `node --watch` takes for a change.
const vite = await createServer({
  ...config,
  configFile: false,
  server: { middlewareMode: true, hmr: { server } },
})
app.use(vite.middlewares)
listen()
