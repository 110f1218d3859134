export default {
  transpilePackages: ['@trpc-sse/protocol', '@trpc-sse/server'],
  typescript: { ignoreBuildErrors: true },
}
