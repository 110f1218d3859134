import { accountRouter } from './account.ts'
import { answersRouter } from './answers.ts'
import { boardRouter } from './board.ts'
import { chatRouter } from './chat.ts'
import { jobsRouter } from './jobs.ts'
import { limitsRouter } from './limits.ts'
import { notificationsRouter } from './notifications.ts'
import { peopleRouter } from './people.ts'
import { pricesRouter } from './prices.ts'
import { systemRouter } from './system.ts'
import { router } from './trpc.ts'

export const appRouter = router({
  account: accountRouter,
  answers: answersRouter,
  board: boardRouter,
  chat: chatRouter,
  prices: pricesRouter,
  jobs: jobsRouter,
  limits: limitsRouter,
  notifications: notificationsRouter,
  people: peopleRouter,
  system: systemRouter,
})

/** The type of the router, which is all that the page knows about the server. */
export type AppRouter = typeof appRouter
