import type { ClientBase } from 'pg'
import type { Message } from './channels.ts'

/**
 * Puts an event into the outbox. Call it with the client of your transaction, as its last step,
 * because no other transaction can write to the same log until this one ends.
 */
export async function enqueue(client: ClientBase, message: Message): Promise<void> {
  const { channel, params, event } = message
  await client.query('INSERT INTO outbox (channel, params, event) VALUES ($1, $2, $3)', [
    channel,
    JSON.stringify(params),
    JSON.stringify(event),
  ])
}
