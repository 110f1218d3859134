import { answersRouter } from './answers.ts'
import { chatRouter } from './chat.ts'
import { jobsRouter } from './jobs.ts'
import { notificationsRouter } from './notifications.ts'
import { pricesRouter } from './prices.ts'
import { systemRouter } from './system.ts'
import { router } from './trpc.ts'

export const appRouter = router({
  answers: answersRouter,
  chat: chatRouter,
  prices: pricesRouter,
  jobs: jobsRouter,
  notifications: notificationsRouter,
  system: systemRouter,
})

/** The type of the router, which is all that the page knows about the server. */
export type AppRouter = typeof appRouter
