import type { NextConfig } from 'next'

const config: NextConfig = {
  // In a workspace they may be TypeScript; from npm they are JavaScript, and need no such line.
  transpilePackages: [
    '@trpc-sse/client',
    '@trpc-sse/protocol',
    '@trpc-sse/react',
    '@trpc-sse/server',
  ],
  devIndicators: false,
  poweredByHeader: false,
}

export default config
