import { describe, expect, it } from 'vitest'
import { createDeferred, type Deferred } from '../../support/deferred.ts'
import { openPage } from './page.ts'
import { TestRun } from './test-run.ts'

/** Creates a `stop` whose calls the test settles. */
function manualStop() {
  const calls: Deferred<void>[] = []
  return {
    calls,
    stop() {
      const call = createDeferred()
      calls.push(call)
      return call.promise
    },
  }
}

/** Follows a run that has begun. */
async function follow(stop?: () => Promise<unknown>) {
  const page = openPage()
  const run = new TestRun()
  await page.show({ run, ...(stop && { stop }) })
  await page.paint(() => {
    run.connect()
    run.fold('a')
  })
  return Object.assign(page, { run })
}

describe('stop', () => {
  it('says that the run is stopping until it has stopped', async () => {
    const { stop, calls } = manualStop()
    using page = await follow(stop)
    await page.paint(() => void page.last().stop())
    expect(page.last()).toMatchObject({ status: 'running', isStopping: true })
    await page.paint(() => calls[0]?.resolve())
    expect(page.last()).toMatchObject({ status: 'running', isStopping: true })
    await page.paint(() => page.run.end('stopped', 'enough'))
    expect(page.last()).toMatchObject({ status: 'stopped', reason: 'enough', isStopping: false })
  })

  it('is over when the run has ended, even if the call never settles', async () => {
    using page = await follow(() => new Promise(() => {}))
    await page.paint(() => void page.last().stop())
    await page.paint(() => page.run.end('completed'))
    expect(page.last()).toMatchObject({ status: 'completed', isStopping: false })
  })

  it.each([
    ['completes without an end', (run: TestRun) => run.complete(), 'completed'],
    ['fails', (run: TestRun) => run.fail(new Error('forbidden')), 'error'],
  ] as const)('is over when the subscription %s', async (_, end, status) => {
    using page = await follow(async () => {})
    await page.paint(() => page.last().stop())
    expect(page.last().isStopping).toBe(true)
    await page.paint(() => end(page.run))
    expect(page.last()).toMatchObject({ status, isStopping: false })
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('refused'))],
    [
      'throws',
      () => {
        throw new Error('refused')
      },
    ],
  ] as const)('passes on the error of a call that %s, and may be tried again', async (_, stop) => {
    using page = await follow(stop)
    await page.paint(() => expect(page.last().stop()).rejects.toThrow('refused'))
    expect(page.last()).toMatchObject({ status: 'running', isStopping: false })
    await page.paint(() => expect(page.last().stop()).rejects.toThrow('refused'))
    expect(page.errors).toEqual([])
  })

  it.each([
    ['first', 0, 1],
    ['second', 1, 0],
  ])('is still going on if the %s of two calls fails', async (_, failing, pending) => {
    const { stop, calls } = manualStop()
    using page = await follow(stop)
    const stopping: Promise<void>[] = []
    await page.paint(() => {
      stopping.push(page.last().stop(), page.last().stop())
    })
    calls[failing]?.reject(new Error('refused'))
    await page.paint(() => expect(stopping[failing]).rejects.toThrow('refused'))
    expect(page.last().isStopping).toBe(true)
    await page.paint(() => calls[pending]?.resolve())
    expect(page.last().isStopping).toBe(true)
  })

  it('may be called, and may fail, after the component was unmounted', async () => {
    const { stop, calls } = manualStop()
    using page = await follow(stop)
    const { stop: before } = page.last()
    let early = Promise.resolve()
    await page.paint(() => {
      early = before()
    })
    await page.show()
    const late = before()
    expect(calls).toHaveLength(2)
    for (const call of calls) call.reject(new Error('refused'))
    await expect(early).rejects.toThrow('refused')
    await expect(late).rejects.toThrow('refused')
    expect(page.warnings()).toEqual([])
  })

  it('is the same function in each render, and calls the newest option', async () => {
    using page = openPage()
    const run = new TestRun()
    const called: string[] = []
    const stopAs = (name: string) => async () => void called.push(name)
    await page.show({ run, stop: stopAs('old') })
    const { stop } = page.last()
    await page.show({ run, stop: stopAs('new') })
    expect(page.last().stop).toBe(stop)
    await page.paint(() => stop())
    expect(called).toEqual(['new'])
  })

  it('without the option rejects, and says what to do', async () => {
    using page = await follow()
    await page.paint(() => expect(page.last().stop()).rejects.toThrow('Pass a function that stops'))
    expect(page.last().isStopping).toBe(false)
  })

  it('of one run says nothing about the next one', async () => {
    const { stop, calls } = manualStop()
    using page = await follow(stop)
    await page.paint(() => void page.last().stop())
    const next = new TestRun('next')
    await page.show({ run: next, stop })
    expect(page.last().isStopping).toBe(false)
    await page.paint(() => void page.last().stop())
    // The old call settles only now.
    await page.paint(() => calls[0]?.resolve())
    expect(page.last().isStopping).toBe(true)
    await page.paint(() => next.end('stopped'))
    expect(page.last()).toMatchObject({ status: 'stopped', isStopping: false })
  })

  it('that fails late says nothing about the next run', async () => {
    const { stop, calls } = manualStop()
    using page = await follow(stop)
    let stopping = Promise.resolve()
    await page.paint(() => {
      stopping = page.last().stop()
    })
    const next = new TestRun('next')
    await page.show({ run: next, stop })
    await page.paint(async () => {
      void page.last().stop()
      calls[0]?.reject(new Error('refused'))
      await expect(stopping).rejects.toThrow('refused')
    })
    expect(page.last().isStopping).toBe(true)
  })
})
