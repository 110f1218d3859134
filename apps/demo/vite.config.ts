import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { typeFlow } from './src/build/type-flow.ts'

// `pnpm dev` serves the page with hot reload. The demo's server answers the rest: run `pnpm start`
// beside it.
const server = process.env.DEMO_SERVER ?? 'http://localhost:3000'

export default defineConfig({
  plugins: [react(), typeFlow(import.meta.dirname)],
  // These versions know light-dark(). For older ones, Vite would rewrite it, and the theme button
  // would stop working.
  build: {
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // The compiler is known to be slow in comparison with the bundler, so don't warn about it.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { '/trpc': server, '/control': server } },
})
