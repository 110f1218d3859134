import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc-sse/server/adapters/fastify'
import Fastify from 'fastify'
import { createContext } from './auth.ts'
import { type AppRouter, appRouter, channels } from './router.ts'

const app = Fastify()
app.register(fastifyTRPCPlugin, {
  prefix: '/trpc',
  trpcOptions: {
    router: appRouter,
    channels,
    createContext,
    connectionKey: ({ user }) => user, // only the same user may change a connection
  } satisfies FastifyTRPCPluginOptions<AppRouter>['trpcOptions'],
})

console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }))
process.once('SIGTERM', () => void app.close()) // drains the connections first
