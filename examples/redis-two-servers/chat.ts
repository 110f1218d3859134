// A chat through one of the servers: `npm run chat 3001 ann`. Each line that you type is a message.
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import type { AppRouter } from './router.ts'

const [port = '3001', author = 'anonymous'] = process.argv.slice(2)
const url = `http://localhost:${port}`
const client = createTRPCClient<AppRouter>({ links: [sseLink({ url }), httpBatchLink({ url })] })

let state = ''

/** Prints the state of the connection when it changes. */
function show(now: string): void {
  if (now !== state) console.log(now)
  state = now
}

client.onMessage.subscribe(undefined, {
  onData: ({ data }) => console.log(`${data.author}: ${data.text}`),
  onConnectionStateChange({ state, error }) {
    if (state === 'pending') show(`(live at ${port})`)
    else if (state === 'connecting' && error) show(`(no answer from ${port})`)
  },
  onError: ({ message }) => console.error(message),
})

createInterface({ input: process.stdin }).on('line', (text) => {
  const message = { id: randomUUID(), author, text }
  const send = () => client.send.mutate(message)
  // Retry once. If only the answer was lost, the same id keeps it from being stored twice.
  send()
    .catch(send)
    .catch(() => console.log(`(not sent: ${text})`))
})
