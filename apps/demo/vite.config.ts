import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `pnpm dev` serves the page with hot reload; the demo's server answers the rest: run `pnpm start` beside it.
const server = process.env.DEMO_SERVER ?? 'http://localhost:3000'

export default defineConfig({
  plugins: [react()],
  // These know light-dark(). For older ones it would be rewritten, so that only the system could choose the theme.
  build: { cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'] },
  server: { proxy: { '/trpc': server, '/control': server } },
})
