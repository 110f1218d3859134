import type { EventSourceConstructor, EventSourceEvent } from '@trpc-sse/client'
import { createInbox } from './inbox.ts'

/** EventSources for which the test acts as the server. */
export interface ScriptedEventSource {
  readonly EventSource: EventSourceConstructor
  /** Waits for the next one that is created, and returns it. */
  source(): Promise<ScriptedSource>
  /** The ones that were created so far. */
  readonly made: readonly ScriptedSource[]
}

/** An EventSource that the test controls. */
export interface ScriptedSource {
  readonly url: URL
  readonly options: Readonly<Record<string, unknown>>
  readonly isClosed: () => boolean
  /** Opens the stream, and sends its first message. */
  open(connected?: object): ScriptedSource
  /** Dispatches an event, if there is a listener. */
  dispatch(type: string, fields?: object): ScriptedSource
  /** Dispatches a message as browsers do: with the id of the newest message that had one. */
  message(type: string, data?: string, id?: string): ScriptedSource
}

/** Creates a class that does nothing by itself. */
export function scriptedEventSource(): ScriptedEventSource {
  const made = createInbox<ScriptedSource>()
  return {
    EventSource: class {
      readonly #listeners = new Map<string, (event: EventSourceEvent) => void>()
      #isClosed = false
      constructor(url: string, options: never) {
        const dispatch = (type: string, fields: object = {}): void =>
          this.#listeners.get(type)?.(fields)
        made.put(scriptedSource(url, options, dispatch, () => this.#isClosed))
      }
      addEventListener(type: string, listener: (event: EventSourceEvent) => void): void {
        this.#listeners.set(type, listener)
      }
      close(): void {
        this.#isClosed = true
      }
    },
    source: made.take,
    made: made.items,
  }
}

function scriptedSource(
  url: string,
  options: Readonly<Record<string, unknown>>,
  dispatch: (type: string, fields?: object) => void,
  isClosed: () => boolean,
): ScriptedSource {
  let lastEventId = ''
  const self: ScriptedSource = {
    url: new URL(url),
    options,
    isClosed,
    open: (connected = {}) => self.dispatch('open').message('connected', JSON.stringify(connected)),
    dispatch(type, fields) {
      dispatch(type, fields)
      return self
    },
    message(type, data = '', id = lastEventId) {
      lastEventId = id
      return self.dispatch(type, { data, lastEventId })
    },
  }
  return self
}
