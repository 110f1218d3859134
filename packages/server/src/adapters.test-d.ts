import type { IncomingMessage, ServerResponse } from 'node:http'
import { initTRPC } from '@trpc/server'
import * as stockExpress from '@trpc/server/adapters/express'
import * as stockFastify from '@trpc/server/adapters/fastify'
import * as stockNext from '@trpc/server/adapters/next'
import * as stockNode from '@trpc/server/adapters/node-http'
import * as stockStandalone from '@trpc/server/adapters/standalone'
import express, { type Request, type Response } from 'express'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import * as ourExpress from './adapters/express.ts'
import * as ourFastify from './adapters/fastify.ts'
import * as ourNext from './adapters/next.ts'
import * as ourNode from './adapters/node-http.ts'
import * as ourStandalone from './adapters/standalone.ts'
import { channel, createChannels } from './index.ts'

interface Context {
  readonly user: string | undefined
}

const channels = createChannels({ channels: { news: channel({ event: z.string() }) } })
const t = initTRPC.context<Context>().create()
const router = t.router({
  onNews: t.procedure.subscription((opts) => channels.news().subscribe(opts)),
})
type AppRouter = typeof router

describe('an app changes one import', () => {
  it('with Express', () => {
    const createContext = ({ req, res }: stockExpress.CreateExpressContextOptions): Context => {
      res.vary('x-user')
      return { user: req.get('x-user') }
    }
    const onError = ({ req }: { req: Request }): unknown => req.get('x-user')
    for (const { createExpressMiddleware } of [stockExpress, ourExpress]) {
      express().use('/trpc', createExpressMiddleware({ router, createContext, onError }))
    }
    expectTypeOf<ourExpress.CreateExpressContextOptions>().toEqualTypeOf<stockExpress.CreateExpressContextOptions>()
    ourExpress.createExpressMiddleware({
      router,
      channels,
      createContext: ({ req, res }) => {
        expectTypeOf(req).toEqualTypeOf<Request>()
        expectTypeOf(res).toEqualTypeOf<Response>()
        return { user: req.get('x-user') }
      },
      connectionKey: (ctx) => ctx.user,
    })
    // @ts-expect-error createContext is missing.
    ourExpress.createExpressMiddleware({ router, channels })
    // @ts-expect-error The context has another type than the router's.
    ourExpress.createExpressMiddleware({ router, channels, createContext: () => ({ user: 1 }) })
  })

  it('with Fastify', () => {
    const createContext = ({ req, res }: stockFastify.CreateFastifyContextOptions): Context => {
      res.header('vary', 'x-user')
      return { user: req.headers['x-user']?.toString() }
    }
    const app = Fastify()
    const trpcOptions = {
      router,
      createContext,
      onError: ({ path }) => path,
    } satisfies stockFastify.FastifyTRPCPluginOptions<AppRouter>['trpcOptions']
    app.register(stockFastify.fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions })
    app.register(ourFastify.fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions })
    app.register(ourFastify.fastifyTRPCPlugin<AppRouter>, {
      prefix: '/trpc',
      useWSS: true,
      trpcOptions: {
        ...trpcOptions,
        channels,
        connectionKey: (ctx) => ctx.user,
      } satisfies ourFastify.FastifyTRPCPluginOptions<AppRouter>['trpcOptions'],
    })
    expectTypeOf<ourFastify.CreateFastifyContextOptions['req']>().toEqualTypeOf<FastifyRequest>()
    expectTypeOf<ourFastify.CreateFastifyContextOptions['res']>().toEqualTypeOf<FastifyReply>()
    const wrong = { router, createContext: () => ({ user: 1 }) }
    // @ts-expect-error The context has another type than the router's.
    const checked: ourFastify.FastifyTRPCPluginOptions<AppRouter>['trpcOptions'] = wrong
    expectTypeOf(checked).toBeObject()
  })

  it('with the Pages API of Next.js', () => {
    const createContext = ({ req }: stockNext.CreateNextContextOptions): Context => ({
      user: req.cookies.user,
    })
    for (const { createNextApiHandler } of [stockNext, ourNext]) {
      expectTypeOf(
        createNextApiHandler({ router, createContext }),
      ).toExtend<stockNext.NextApiHandler>()
    }
    ourNext.createNextApiHandler({
      router,
      channels,
      createContext,
      connectionKey: (ctx) => ctx.user,
    })
    // @ts-expect-error createContext is missing.
    ourNext.createNextApiHandler({ router, channels })
  })

  it('with node:http and node:http2', () => {
    const createContext = ({ req }: stockStandalone.CreateHTTPContextOptions): Context => ({
      user: req.headers['x-user']?.toString(),
    })
    const createContext2 = ({ req }: stockStandalone.CreateHTTP2ContextOptions): Context => ({
      user: req.headers[':authority'],
    })
    for (const { createHTTPServer, createHTTPHandler } of [stockStandalone, ourStandalone]) {
      expectTypeOf(createHTTPServer({ router, createContext }).listen).toBeFunction()
      expectTypeOf(createHTTPHandler({ router, createContext })).toBeCallableWith(
        {} as IncomingMessage,
        {} as ServerResponse,
      )
    }
    stockStandalone.createHTTP2Handler({ router, createContext: createContext2 })
    ourStandalone.createHTTP2Handler({ router, createContext: createContext2, channels })
    interface OwnRequest extends IncomingMessage {
      readonly user: string
    }
    const call = { router, req: {} as OwnRequest, res: {} as ServerResponse, path: '' }
    const own = ({ req }: { req: OwnRequest }): Context => ({ user: req.user })
    void stockNode.nodeHTTPRequestHandler({ ...call, createContext: own })
    void ourNode.nodeHTTPRequestHandler({ ...call, createContext: own, channels })
  })
})
