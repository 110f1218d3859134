import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { EventSource } from 'eventsource'
import { beforeAll, describe } from 'vitest'
import { eventSourceCases, type Reader } from './cases.ts'
import type { createFollower } from './follower.ts'

let script = ''
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'follower.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'bundle',
  })
  script = outputFiles[0]?.text ?? ''
})

describe('the EventSource of the package eventsource, in a runtime with nothing of the web but what is needed,', () => {
  eventSourceCases({ read: async (url) => startReader(url), saysStatus: true })
})

function startReader(url: string): Reader {
  const { setTimeout, clearTimeout, queueMicrotask, Headers, Response, console } = globalThis
  const given = { setTimeout, clearTimeout, queueMicrotask, Headers, Response, console }
  const context = createContext({ ...given, AbortController: oldAbortController })
  const create: typeof createFollower = runInContext(`${script};bundle.createFollower`, context)
  const opened = new Set<EventSource>()
  const { got, ...follower } = create(url, {
    EventSource: class extends EventSource {
      constructor(address: string) {
        super(address)
        opened.add(this)
      }
    },
  })
  return {
    got: async () => structuredClone(got),
    follow: follower.follow,
    followOthers: async () => follower.followOthers(),
    askGateway: async () => follower.askGateway(),
    async [Symbol.asyncDispose]() {
      for (const source of opened) source.close()
    },
  }
}

/**
 * An AbortController like that of older React Native versions: its signals have no reason, and no
 * `throwIfAborted`.
 */
function oldAbortController() {
  const target = new EventTarget()
  const signal = {
    aborted: false,
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  }
  function abort(): void {
    if (signal.aborted) return
    signal.aborted = true
    target.dispatchEvent(new Event('abort'))
  }
  return { signal, abort }
}
