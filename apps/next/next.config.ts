import { join } from 'node:path'
import type { NextConfig } from 'next'

const config: NextConfig = {
  // The workspace's packages are TypeScript here. Those from npm are JavaScript, and need no such line.
  transpilePackages: ['@trpc-sse/client', '@trpc-sse/protocol', '@trpc-sse/react', '@trpc-sse/server'],
  turbopack: { root: join(import.meta.dirname, '../..') },
  // The workspace's typecheck does that.
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
  poweredByHeader: false,
}

export default config
