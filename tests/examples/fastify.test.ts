import { once } from 'node:events'
import { expect, it } from 'vitest'
import { type Command, exampleFolder, runScript } from '../support/command.ts'
import { freePort } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const folder = exampleFolder('fastify')
const ann = { TOKEN: 'token-of-ann' }
const bob = { TOKEN: 'token-of-bob' }

async function start(port: number): Promise<Command> {
  const server = runScript(folder, ['start'], { PORT: `${port}` })
  await server.says(/http:\/\/.*:\d+/)
  return server
}

function inboxOf(token: { TOKEN: string }, port: number): Command {
  return runScript(folder, ['inbox'], { PORT: `${port}`, ...token })
}

it('delivers messages to their recipient, even after a cut, and reports what a restart lost', async () => {
  const port = await freePort()
  await using server = await start(port)
  await using proxy = await startTcpProxy(port)
  await using anns = inboxOf(ann, proxy.port)
  await using bobs = inboxOf(bob, port)
  expect([await anns.lines.take(), await bobs.lines.take()]).toEqual(['(live)', '(live)'])
  async function send(text: string): Promise<void> {
    const sending = runScript(folder, ['send', 'ann', text], { PORT: `${port}`, ...bob })
    expect(await once(sending.child, 'exit')).toEqual([0, null])
  }

  await send('Lunch?')
  expect(await anns.lines.take()).toBe('bob: Lunch?')

  proxy.refusing = true
  proxy.cut()
  expect(await anns.lines.take()).toBe('(offline)')
  await send('At noon.')
  await send('Or later.')
  proxy.refusing = false
  expect((await anns.lines.takeMany(3)).toSorted()).toEqual([
    '(live)',
    'bob: At noon.',
    'bob: Or later.',
  ])

  await server.kill()
  expect([await anns.lines.take(), await bobs.lines.take()]).toEqual(['(offline)', '(offline)'])
  await using _again = await start(port)
  expect(await anns.lines.takeMany(2)).toEqual([
    '(live)',
    '(messages are missing here: the server has lost them)',
  ])
  await send('Tomorrow.')
  expect(await anns.lines.take()).toBe('bob: Tomorrow.')
  expect(anns.lines.items).toHaveLength(10)
  expect(bobs.lines.items.filter((line) => !line.startsWith('('))).toEqual([])
})

it('refuses clients without a valid token', async () => {
  const port = await freePort()
  await using _server = await start(port)
  await using inbox = inboxOf({ TOKEN: 'token-of-eve' }, port)
  expect(await once(inbox.child, 'exit')).toEqual([1, null])
  expect(inbox.lines.items).toEqual(['No such token.'])
})
