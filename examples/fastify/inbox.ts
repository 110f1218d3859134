// Prints the messages to the user of TOKEN.
import { client } from './client.ts'

let state = ''

/** Prints the state of the connection when it changes. */
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
