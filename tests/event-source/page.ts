/**
 * What runs in the browser, as in a runtime like React Native's: it has XMLHttpRequest, and no web
 * streams.
 */
import './without-streams.ts'
import reactNativeSse from 'react-native-sse'
import { createFollower, type Follower } from './follower.ts'

const sources = {
  native: { EventSource },
  'react-native-sse': {
    EventSource: reactNativeSse.default,
    eventSourceOptions: { timeoutBeforeConnection: 0 },
  },
}

/** Whose EventSource is used. */
export type SourceName = keyof typeof sources

const name = (new URLSearchParams(location.search).get('source') ?? 'native') as SourceName
const page: Follower & { readonly missing: readonly string[] } = {
  ...createFollower(location.origin, sources[name]),
  missing: ['ReadableStream', 'TextDecoderStream', 'TextDecoder', 'fetch'].filter(
    (one) => !(one in globalThis),
  ),
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
