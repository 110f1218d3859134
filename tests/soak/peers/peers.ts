import type { Peer } from './peer.ts'

/** Every peer. A process loads only its own. */
export const peers = {
  'trpc-sse': async () => (await import('./trpc-sse.ts')).trpcSse,
  'trpc-emitter': async () => (await import('./trpc.ts')).trpcEmitter,
  'trpc-loop': async () => (await import('./trpc.ts')).trpcLoop,
  orpc: async () => (await import('./orpc.ts')).orpc,
  'better-sse': async () => (await import('./better-sse.ts')).betterSse,
  'graphql-yoga': async () => (await import('./graphql-yoga.ts')).graphqlYoga,
  'socket.io': async () => (await import('./socket-io.ts')).socketIo,
  upstash: async () => (await import('./upstash.ts')).upstash,
} satisfies Record<string, () => Promise<Peer>>

export type PeerName = keyof typeof peers

/** Whether there is a peer of this name. */
export function isPeerName(name: string): name is PeerName {
  return Object.hasOwn(peers, name)
}
