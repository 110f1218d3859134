import { createTRPCClient } from '@trpc/client'
import { initTRPC, type TRPCDataTransformer } from '@trpc/server'
import type { SseLinkBaseOptions } from '@trpc-sse/client'
import { sseLink } from '@trpc-sse/client'
import { expectTypeOf, it } from 'vitest'
import { createDevtools } from './index.ts'

declare const transformer: TRPCDataTransformer
const devtools = createDevtools()
const plain = initTRPC.create().router({})
const transformed = initTRPC.create({ transformer }).router({})

it('options have the type that was given, so that sseLink checks the transformer', () => {
  const options = { url: '/trpc', mode: 'single' } satisfies SseLinkBaseOptions
  expectTypeOf(devtools.options(options)).toEqualTypeOf(options)
  createTRPCClient<typeof plain>({
    links: [devtools.link(), sseLink(devtools.options({ url: '/trpc' }))],
  })
  createTRPCClient<typeof transformed>({
    links: [devtools.link(), sseLink(devtools.options({ url: '/trpc', transformer }))],
  })
  createTRPCClient<typeof transformed>({
    // @ts-expect-error The router has a transformer.
    links: [devtools.link(), sseLink(devtools.options({ url: '/trpc' }))],
  })
  createTRPCClient<typeof plain>({
    // @ts-expect-error The router has no transformer.
    links: [devtools.link(), sseLink(devtools.options({ url: '/trpc', transformer }))],
  })
})
