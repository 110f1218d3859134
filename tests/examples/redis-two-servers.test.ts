import { expect, it, vi } from 'vitest'
import { type Command, exampleFolder, runScript } from '../support/command.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const folder = exampleFolder('redis-two-servers')

it('shows at one server what is said at the other, even after a crash', async () => {
  await using redis = await startRedis()
  const [one, two] = [await freePort(), await freePort()]
  async function start(port: number): Promise<Command> {
    const server = runScript(folder, ['server', `${port}`], { REDIS_URL: redis.url })
    await server.says(/http:\/\/.*:\d+/)
    return server
  }
  await using first = await start(one)
  await using _second = await start(two)
  await using ann = runScript(folder, ['chat', `${one}`, 'ann'])
  await using bob = runScript(folder, ['chat', `${two}`, 'bob'])
  expect([await ann.lines.take(), await bob.lines.take()]).toEqual([
    `(live at ${one})`,
    `(live at ${two})`,
  ])

  bob.type('Anybody there?')
  expect([await ann.lines.take(), await bob.lines.take()]).toEqual([
    'bob: Anybody there?',
    'bob: Anybody there?',
  ])
  ann.type('I am.')
  expect([await ann.lines.take(), await bob.lines.take()]).toEqual(['ann: I am.', 'ann: I am.'])

  await first.kill()
  expect(await ann.lines.take()).toBe(`(no answer from ${one})`)
  ann.type('Hello?')
  expect(await ann.lines.take()).toBe('(not sent: Hello?)')
  for (const text of ['one', 'two', 'three']) {
    bob.type(text)
    expect(await bob.lines.take()).toBe(`bob: ${text}`)
  }
  await using _again = await start(one)
  const missed = await ann.lines.takeMany(4)
  expect(missed.filter((line) => !line.startsWith('('))).toEqual([
    'bob: one',
    'bob: two',
    'bob: three',
  ])
  ann.type('There you are.')
  expect([await ann.lines.take(), await bob.lines.take()]).toEqual([
    'ann: There you are.',
    'ann: There you are.',
  ])

  await using late = runScript(folder, ['chat', `${two}`, 'late'])
  expect((await late.lines.takeMany(7)).filter((line) => !line.startsWith('('))).toEqual(
    bob.lines.items.filter((line) => !line.startsWith('(')),
  )
})

it('stores a message once, even if it is sent again after a lost answer', async () => {
  await using redis = await startRedis()
  const port = await freePort()
  await using server = runScript(folder, ['server', `${port}`], { REDIS_URL: redis.url })
  await server.says(/http:\/\/.*:\d+/)
  await using proxy = await startTcpProxy(port)
  await using ann = runScript(folder, ['chat', `${proxy.port}`, 'ann'])
  await using bob = runScript(folder, ['chat', `${port}`, 'bob'])
  expect([await ann.lines.take(), await bob.lines.take()]).toEqual([
    `(live at ${proxy.port})`,
    `(live at ${port})`,
  ])
  const lost = proxy.loseNextAnswer()
  ann.type('Once.')
  await lost
  expect(await bob.lines.take()).toBe('ann: Once.')
  await vi.waitFor(() => expect(ann.lines.items).toContain('ann: Once.'), { timeout: 10_000 })
  ann.type('Then this.')
  expect(await bob.lines.take()).toBe('ann: Then this.')
  expect(ann.lines.items.join('\n')).not.toContain('not sent')
})
