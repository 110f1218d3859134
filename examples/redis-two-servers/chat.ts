// A chat at one of the servers: `npm run chat 3001 ann`. A line that you type is a message.
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import type { AppRouter } from './router.ts'

const [port = '3001', author = 'somebody'] = process.argv.slice(2)
const url = `http://localhost:${port}`
const client = createTRPCClient<AppRouter>({ links: [sseLink({ url }), httpBatchLink({ url })] })

let state = ''

/** Says how the connection is, once it is different. */
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
  // It may have been stored, and only the answer lost: with the same id it isn't stored again.
  send()
    .catch(send)
    .catch(() => console.log(`(not sent: ${text})`))
})
