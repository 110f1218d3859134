import { redisBackend } from '@trpc-sse/redis'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import type { Followed } from '../support/follow.ts'
import { openRaw } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type InspectedInstance, startInstance, subscribe } from './app.ts'

let browser: Browser
let stack: AsyncDisposableStack
let redis: RedisServer
let here: InspectedInstance
let there: InspectedInstance
/** What went wrong in pages: uncaught errors, and violations of the policy. */
let faults: string[]

beforeAll(async () => {
  browser = await startChromium()
  return () => browser.close()
})
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  faults = []
  redis = stack.use(await startRedis())
  here = await start('api-1')
  there = await start('api-2')
})
afterEach(async () => {
  await stack.disposeAsync()
  expect(faults).toEqual([])
})

function start(name: string): Promise<InspectedInstance> {
  const backend = redisBackend({ url: redis.url }, { onError() {} })
  return startInstance(stack, { name, backend })
}

/** Opens the inspector of the first instance at a view. */
async function open(view: string, { width = 1280, height = 800 } = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height } })
  stack.defer(() => page.close())
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('dialog', (dialog) => void dialog.accept())
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text())
  })
  await page.goto(`${here.inspectorUrl}#${view}`)
  await page.getByText('live', { exact: true }).waitFor()
  return page
}

/** Publishes until the first instance has more for a stalled client than it may hold. */
async function fillBuffers(): Promise<void> {
  const chat = there.channels.chat({ room: 'lobby' })
  const text = 'x'.repeat(10_000)
  const events = Array.from({ length: 40 }, () => ({ author: 'a', text, priority: 'low' as const }))
  await chat.publishMany(events)
}

describe('a fault is found', () => {
  it('a client that reads too slowly: a finding, and the stream is behind', async () => {
    await subscribe(stack, here, 'grace')
    const page = await open('streams')
    await page.getByRole('button', { name: /^Stall stream/ }).click()
    await page.getByText('Nothing is written to the stream for 30 seconds.').waitFor()
    await fillBuffers()
    await page.getByRole('cell', { name: 'behind' }).waitFor()
    await page.getByRole('link', { name: 'Instances' }).click()
    await page.getByText('api-1 has 1 stream whose client reads too slowly').waitFor()
  })

  it('Redis that answers nobody: a finding says that logs can’t be read', async () => {
    const page = await open('instances')
    await page.getByText('Nothing is wrong that').waitFor()
    redis.freeze()
    try {
      await page.getByText('api-1 can’t read logs').waitFor()
      await page.getByText('api-1 gets no notifications').waitFor()
    } finally {
      redis.thaw()
    }
    await page.getByText('Nothing is wrong that').waitFor()
  })

  it('Redis that forbids notifications: logs can be read, and events are late', async () => {
    const page = await open('instances')
    await page.getByText('Nothing is wrong that').waitFor()
    await redis.admin.call('ACL', 'SETUSER', 'default', 'resetchannels')
    await redis.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await page.getByText('api-1 gets no notifications').waitFor()
    const row = page.getByRole('row', { name: /api-1/ })
    await row.getByText(/^ok, \d+ ms$/).waitFor()
    await row.getByText('failed', { exact: true }).waitFor()
  })

  it('an event with other params: the log is empty, and the other log has it', async () => {
    await there.channels
      .chat({ room: 'Lobby' })
      .publish({ author: 'ada', text: 'in another room', priority: 'low' })
    const page = await open('channels')
    await page.getByLabel('Params as JSON').fill('{"room":"lobby"}')
    await page.getByRole('button', { name: 'Look up' }).click()
    await page.getByText('The log retains no event.').waitFor()
    await page.getByLabel('Params as JSON').fill('{"room":"Lobby"}')
    await page.getByRole('button', { name: 'Look up' }).click()
    await page.getByText('in another room').waitFor()
  })
})

it('a proxy that buffers: a finding, and the stream says so', async () => {
  // What the link asks for once it has noticed.
  const stream = await openRaw(`${here.url}/~sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', user: 'ada' },
    body: JSON.stringify({
      version: 1,
      revision: 1,
      maxDurationMs: 60_000,
      subscriptions: { a: { path: 'onMessage', input: { room: 'lobby' } } },
    }),
  })
  const page = await open('instances')
  await page.getByText('because a proxy holds responses back').waitFor()
  await page.getByRole('link', { name: 'Streams' }).click()
  await page.getByRole('cell', { name: 'buffered by a proxy' }).waitFor()
  stream.leave()
})

it('a look-up without params says beside the field what is missing', async () => {
  const page = await open('channels')
  await page.getByRole('button', { name: 'Look up' }).click()
  await page.getByText('chat has params: give those of the log.').waitFor()
})

describe('an event is followed', () => {
  it('from the form through Redis to a stream of another instance', async () => {
    await subscribe(stack, there, 'linus')
    const page = await open('instances')
    await page.getByRole('row', { name: /api-2/ }).getByRole('button', { name: 'Inspect' }).click()
    await page.getByRole('cell', { name: 'linus' }).waitFor()
    await page.getByRole('link', { name: 'Steps' }).click()
    await page.getByText('No step yet').waitFor()
    await page.getByRole('link', { name: 'Publish' }).click()
    await page.getByLabel('room', { exact: true }).fill('lobby')
    await page.getByLabel('author').fill('ada')
    await page.getByLabel('text').fill('hello')
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByRole('button', { name: 'Follow it' }).click()
    for (const step of ['stored', 'heard', 'windowed', 'framed', 'sent'])
      await page.getByRole('cell', { name: step, exact: true }).waitFor()
  })

  it('shows the errors of a schema beside their fields', async () => {
    const page = await open('publish')
    await page.getByLabel('room', { exact: true }).fill('lobby')
    await page.getByLabel('count').fill('many')
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByText('count is no number.').waitFor()
    await page.getByLabel('count').fill('')
    await page.getByRole('button', { name: 'Publish' }).click()
    const id = await page.getByLabel('author').getAttribute('aria-describedby')
    await page.locator(`#${id}`).filter({ hasText: '>=1 characters' }).waitFor()
  })
})

describe('drills', () => {
  it('cut a stream: its client resumes, and gets each event once', async () => {
    const room = await subscribe(stack, here, 'grace')
    const page = await open('streams')
    await page.getByRole('button', { name: /^Cut stream/ }).click()
    await page.getByText('The stream was cut.').waitFor()
    const chat = there.channels.chat({ room: 'lobby' })
    for (const text of ['one', 'two']) await chat.publish({ author: 'a', text, priority: 'low' })
    expect(await textsOf(room, 2)).toEqual(['one', 'two'])
  })

  it('stall and resume a stream: nothing arrives, and then everything', async () => {
    const room = await subscribe(stack, here, 'grace')
    const page = await open('streams')
    await page.getByRole('button', { name: /^Stall stream/ }).click()
    await page.getByText('stalled').waitFor()
    const before = room.news.length
    await fillBuffers()
    await page.getByRole('cell', { name: 'behind' }).waitFor()
    expect(room.news.length).toBe(before)
    await page.getByRole('button', { name: 'Resume' }).click()
    expect((await textsOf(room, 40)).length).toBe(40)
  })

  it('report a gap, which the client’s onGap gets', async () => {
    const room = await subscribe(stack, here, 'grace')
    const page = await open('streams')
    await page.getByRole('button', { name: /^Gap stream/ }).click()
    let [name] = await room.next()
    while (name !== 'gap') [name] = await room.next()
  })
})

describe('the page', () => {
  it('shows texts of users as text: keys, params, events', async () => {
    const html = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    await subscribe(stack, here, encodeURIComponent('<b>bold</b>'), html.slice(0, 60))
    await here.channels
      .chat({ room: html.slice(0, 60) })
      .publish({ author: html, text: html, priority: 'low' })
    const page = await open('channels')
    await page.getByRole('cell').getByRole('button', { name: 'chat' }).click()
    await page.locator('pre').first().waitFor()
    expect(await page.locator('pre').first().textContent()).toContain('<script>')
    expect(await page.locator('main img, main script, main b').count()).toBe(0)
    expect(await page.title()).toBe('Channels – Inspector')
  })

  it('leaves out the steps of each event on request', async () => {
    await subscribe(stack, here, 'grace')
    const page = await open('steps')
    const chat = there.channels.chat({ room: 'lobby' })
    await chat.publish({ author: 'a', text: 'hello', priority: 'low' })
    await page.getByRole('cell', { name: 'sent', exact: true }).waitFor()
    await page.getByLabel('Without the steps of each event').check()
    await subscribe(stack, here, 'ada')
    await page.getByRole('cell', { name: 'started', exact: true }).waitFor()
    expect(await page.getByRole('cell', { name: 'sent', exact: true }).count()).toBe(0)
  })

  it('says that it is offline, keeps what it has, and goes on', async () => {
    await subscribe(stack, here, 'grace')
    const page = await open('streams')
    await page.getByRole('cell', { name: 'grace' }).waitFor()
    await page.context().setOffline(true)
    await page.getByText('offline: trying again').waitFor()
    expect(await page.getByRole('cell', { name: 'grace' }).count()).toBe(1)
    await page.context().setOffline(false)
    await page.getByText('live', { exact: true }).waitFor()
  })

  it('works with the keyboard alone', async () => {
    await subscribe(stack, here, 'grace')
    const page = await open('instances')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
    await page.getByRole('link', { name: 'Streams' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /^#/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Close' }).waitFor()
    await page.getByText('Subscriptions of the stream').waitFor()
    await page.getByRole('button', { name: /^Stall stream/ }).focus()
    await page.keyboard.press('Enter')
    // The row is drawn again, and the focus stays.
    await page.getByText('stalled').waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Stall')
  })

  it('scrolls to the log that was chosen, on a small screen', async () => {
    for (let n = 0; n < 8; n++) await subscribe(stack, here, 'grace', `room-${n}`)
    const page = await open('channels', { width: 360, height: 740 })
    const links = page.getByRole('cell').getByRole('button', { name: 'chat' })
    await links.last().click()
    // The list is thousands of pixels long, and the log is shown above it.
    await page.getByText('Newest events in the log').waitFor()
    expect(await page.evaluate('scrollY')).toBeLessThan(600)
  })

  it.each(['instances', 'streams', 'channels', 'runs', 'steps', 'publish'])(
    'fits a screen of 360 px: %s',
    async (view) => {
      await subscribe(stack, here, 'a-very-long-key-that-has-no-place-to-break-'.repeat(4))
      const page = await open(view, { width: 360, height: 740 })
      await here.channels.announcements().publish('x'.repeat(500))
      await page.locator('main h1').waitFor({ state: 'attached' })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    },
  )
})

/** Waits for events, and returns their texts. */
async function textsOf(room: Followed, count: number): Promise<string[]> {
  const texts: string[] = []
  while (texts.length < count) {
    const [name, detail] = await room.next()
    expect(name).not.toBe('gap')
    if (name === 'data') texts.push((detail as { data: { text: string } }).data.text)
  }
  return texts
}
