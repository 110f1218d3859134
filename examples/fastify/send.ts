// Sends a message as the user of TOKEN: `npm run send ann "Lunch?"`.
import { client } from './client.ts'

const [to = '', ...words] = process.argv.slice(2)
await client.send.mutate({ to, text: words.join(' ') })
