import type { NextConfig } from 'next'

const config: NextConfig = {
  // Needed in this workspace, where the packages are TypeScript. From npm they are JavaScript.
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
