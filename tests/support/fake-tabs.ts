import type { DeviceEvent, Fetch } from '@trpc-sse/client'
import type { TabLockOptions, TabsEnvironment } from '@trpc-sse/client/tabs'
import type { Clock } from '@trpc-sse/protocol'
import { type FakeDevice, fakeDevice } from './fake-device.ts'

/** A browser with tabs of one origin. */
export interface FakeBrowser {
  open(): FakeTab
  /** Returns the tab that holds a lock with a matching name. */
  holder(name: RegExp): FakeTab | undefined
}

/** A tab: the environment of its link, and methods that simulate what can happen to a tab. */
export interface FakeTab {
  readonly clock: Clock
  readonly device: FakeDevice
  readonly environment: TabsEnvironment
  readonly fetch: Fetch
  readonly state: () => 'alive' | 'frozen' | 'gone'
  /** The number of its requests in progress. */
  readonly requests: () => number
  /**
   * Suspends the tab until {@link thaw}. Its locks and its streams stay. Some messages to it are
   * lost, as in Chromium while a debugger pauses a page.
   */
  freeze(): void
  thaw(): void
  /** Ends the tab without an event. */
  crash(): void
  /** Closes the tab, which gets an event first. */
  close(): void
}

/**
 * Creates a browser. Messages and locks take up to `delayMs`, by the clock; messages of a channel
 * stay in order.
 */
export function fakeBrowser(
  clock: Clock,
  random: () => number,
  fetch: Fetch,
  delayMs = 20,
): FakeBrowser {
  const later = (callback: () => void): void =>
    void clock.after(Math.round(random() * delayMs), callback)
  const locks = createLocks(later)
  const channels = createChannels(clock, () => Math.round(random() * delayMs))
  return {
    open: () => openTab({ clock, random, fetch, locks, channels }),
    holder: locks.holder,
  }
}

interface World {
  readonly clock: Clock
  readonly random: () => number
  readonly fetch: Fetch
  readonly locks: Locks
  readonly channels: Channels
}

/** Runs a task in a tab: now, after it thaws, or never. */
type Enter = (task: () => void) => void

function openTab(world: World): FakeTab {
  const device = fakeDevice()
  const requests = new Set<AbortController>()
  let state: 'alive' | 'frozen' | 'gone' = 'alive'
  let waiting: Array<() => void> = []
  const enter: Enter = (task) => {
    if (state === 'alive') task()
    else if (state === 'frozen') waiting.push(task)
  }
  const receive: Enter = (task) => {
    if (state !== 'frozen' || world.random() < 0.5) enter(task)
  }
  const environment: TabsEnvironment = {
    openChannel: (name, onMessage) => world.channels.open(name, receive, onMessage),
    requestLock: (name, options, hold) =>
      world.locks.request({ name, tab: self, enter }, options, hold),
    onFreeze: () => undefined,
  }
  const dispatch = (event: DeviceEvent): void => device.dispatch(event)
  const self: FakeTab = {
    clock: tabClock(world, enter),
    device,
    environment,
    fetch: (url, init) => fetchInTab(world.fetch, enter, requests, url, init),
    state: () => state,
    requests: () => requests.size,
    freeze() {
      if (state === 'alive') state = 'frozen'
    },
    thaw() {
      if (state !== 'frozen') return
      state = 'alive'
      const tasks = waiting
      waiting = []
      for (const task of tasks) enter(task)
    },
    crash() {
      state = 'gone'
      waiting = []
      for (const request of [...requests]) request.abort()
      world.locks.drop(self)
    },
    close() {
      dispatch('left')
      self.crash()
    },
  }
  return self
}

function tabClock({ clock, random }: World, enter: Enter): Clock {
  return {
    now: clock.now,
    random,
    after(delayMs, callback) {
      let isOff = false
      const cancel = clock.after(delayMs, () => enter(() => !isOff && callback()))
      return () => {
        isOff = true
        cancel()
      }
    },
  }
}

async function fetchInTab(
  fetch: Fetch,
  enter: Enter,
  requests: Set<AbortController>,
  url: string,
  init: RequestInit,
): Promise<Response> {
  const abort = new AbortController()
  requests.add(abort)
  abort.signal.addEventListener('abort', () => requests.delete(abort))
  init.signal?.addEventListener('abort', () => abort.abort())
  const response = await fetch(url, { ...init, signal: abort.signal })
  if (abort.signal.aborted) await response.body?.cancel()
  await new Promise<void>((resolve) => enter(resolve))
  const isStream = response.headers.get('content-type')?.includes('event-stream')
  if (!isStream || !response.body) {
    requests.delete(abort)
    return response
  }
  const body = inTab(response.body, enter, () => requests.delete(abort))
  return new Response(body, { headers: response.headers })
}

function inTab(
  source: ReadableStream<Uint8Array>,
  enter: Enter,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  return new ReadableStream({
    async start(controller) {
      try {
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
          const { value } = chunk
          enter(() => controller.enqueue(value))
        }
        enter(() => controller.close())
      } catch (error) {
        enter(() => controller.error(error))
      }
      onEnd()
    },
    cancel: () => reader.cancel().catch(() => {}),
  })
}

interface Channels {
  open(
    name: string,
    enter: Enter,
    onMessage: (message: unknown) => void,
  ): { post(message: unknown): void; close(): void }
}

function createChannels(clock: Clock, delay: () => number): Channels {
  interface Member {
    readonly name: string
    readonly take: (message: unknown) => void
    /** Messages in transit, in order. Real timers could change the order. */
    readonly messages: unknown[]
    atMs: number
  }
  const members = new Set<Member>()
  function send(to: Member, message: unknown): void {
    to.messages.push(structuredClone(message))
    to.atMs = Math.max(to.atMs, clock.now() + delay())
    clock.after(to.atMs - clock.now(), () => members.has(to) && to.take(to.messages.shift()))
  }
  return {
    open(name, enter, onMessage) {
      const take = (message: unknown): void => enter(() => members.has(self) && onMessage(message))
      const self: Member = { name, take, messages: [], atMs: 0 }
      members.add(self)
      return {
        post(message) {
          if (!members.has(self)) throw new Error('The channel is closed.')
          for (const member of members)
            if (member !== self && member.name === name) send(member, message)
        },
        close: () => members.delete(self),
      }
    },
  }
}

interface LockRequest {
  readonly name: string
  readonly tab: FakeTab
  readonly enter: Enter
}

interface Locks {
  request(request: LockRequest, options: TabLockOptions, hold: () => Promise<void>): Promise<void>
  /** Removes a tab, and releases all its locks. */
  drop(tab: FakeTab): void
  holder(name: RegExp): FakeTab | undefined
}

interface Claim extends LockRequest {
  grant(): void
  reject(): void
}

function createLocks(later: (callback: () => void) => void): Locks {
  const held = new Map<string, Claim>()
  let queue: Claim[] = []

  function next(name: string): void {
    const claim = queue.find((one) => one.name === name)
    if (held.has(name) || !claim) return
    queue = queue.filter((one) => one !== claim)
    held.set(name, claim)
    later(() => claim.enter(claim.grant))
  }

  function free(claim: Claim): void {
    queue = queue.filter((one) => one !== claim)
    if (held.get(claim.name) !== claim) return
    held.delete(claim.name)
    next(claim.name)
  }

  return {
    request: (request, { steal, signal }, hold) =>
      new Promise((resolve, reject) => {
        const claim: Claim = {
          ...request,
          grant() {
            if (held.get(request.name) !== claim) return
            void hold().then(() => {
              free(claim)
              resolve()
            })
          },
          reject: () =>
            later(() => request.enter(() => reject(new DOMException('', 'AbortError')))),
        }
        if (steal) {
          held.get(request.name)?.reject()
          held.set(request.name, claim)
          later(() => request.enter(claim.grant))
          return
        }
        signal?.addEventListener('abort', () => {
          if (!queue.includes(claim)) return
          free(claim)
          reject(new DOMException('', 'AbortError'))
        })
        queue.push(claim)
        next(request.name)
      }),
    drop(tab) {
      for (const claim of [...queue, ...held.values()]) if (claim.tab === tab) free(claim)
    },
    holder: (name) => [...held].find(([one]) => name.test(one))?.[1].tab,
  }
}
