// Shows the messages for the user of TOKEN, from now on.
import { client } from './client.ts'

let state = ''

/** Says how the connection is, once it is different. */
function show(now: string): void {
  if (now !== state) console.log(now)
  state = now
}

client.onMessage.subscribe(undefined, {
  onData: ({ data }) => console.log(`${data.from}: ${data.text}`),
  onConnectionStateChange({ state, error }) {
    if (state === 'pending') show('(live)')
    else if (state === 'connecting' && error) show('(offline)')
  },
  onError({ message }) {
    console.error(message)
    process.exitCode = 1
  },
})
