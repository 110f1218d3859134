import { initTRPC } from '@trpc/server'
import { expectTypeOf, it } from 'vitest'
import { createServerLink } from '../link/server-link.ts'
import { inspector } from './inspector.ts'

interface Context {
  readonly user: { readonly isOperator: boolean }
}

const router = initTRPC.context<Context>().create().router({})
const createContext = (): Context => ({ user: { isOperator: false } })

it('allow gets the context that is named', () => {
  createServerLink({
    router,
    createContext,
    inspector: inspector<Context>({
      allow({ ctx }) {
        expectTypeOf(ctx).toEqualTypeOf<Context>()
        return ctx.user.isOperator
      },
    }),
  })
  createServerLink({ router, createContext, inspector: inspector() })
  const own = inspector<Context>({ allow: async ({ ctx }) => ctx.user.isOperator })
  createServerLink({ router, createContext, inspector: own })
})

it('allow must return a boolean, and the context must be the one of the router', () => {
  // @ts-expect-error: a string would pass no request
  inspector({ allow: () => 'yes' })
  const other = inspector<{ readonly admin: boolean }>({ allow: ({ ctx }) => ctx.admin })
  // @ts-expect-error: the router has another context
  createServerLink({ router, createContext, inspector: other })
  // @ts-expect-error: not an inspector
  createServerLink({ router, createContext, inspector: true })
})
