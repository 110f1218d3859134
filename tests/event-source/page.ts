/**
 * The script that runs in the browser, in an environment like React Native's: with XMLHttpRequest,
 * and without web streams.
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

/** The name of the EventSource to use. */
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
