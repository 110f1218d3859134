// A process in place of a browser's tab: it follows a run, and reports each item and the outcome.
import { sseLink } from '@trpc-sse/client'
import { followByLink, type Outcome } from './followers.ts'

/** A message of the process. */
export type TabMessage = { readonly items: number } | { readonly outcome: Outcome }

const report = (message: TabMessage): void => void process.send?.(message)

const link = sseLink({ url: process.env.TAB_URL ?? '', retry: { baseMs: 20, maxMs: 200 } })
const follower = followByLink(link, process.env.TAB_RUN ?? '')
const items = Number(process.env.TAB_ITEMS)
void follower.received(items).then(() => report({ items }))
void follower.outcome.then((outcome) => report({ outcome }))
// The test has ended.
process.on('disconnect', () => process.exit())
