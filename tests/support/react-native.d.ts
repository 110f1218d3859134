/** The declarations that the documentation uses of packages for phones. */

declare module 'react-native' {
  type AppStateStatus = 'active' | 'background' | 'inactive' | 'unknown' | 'extension'
  export const AppState: {
    addEventListener(type: 'change', listener: (state: AppStateStatus) => void): { remove(): void }
  }
}

declare module '@react-native-community/netinfo' {
  interface NetInfoState {
    readonly isConnected: boolean | null
  }
  export function addEventListener(listener: (state: NetInfoState) => void): () => void
}

declare module 'expo/fetch' {
  interface FetchRequestInit {
    body?: BodyInit | null
    credentials?: RequestCredentials
    headers?: HeadersInit
    method?: string
    signal?: AbortSignal | null
    redirect?: RequestRedirect
  }
  export function fetch(input: string | URL, init?: FetchRequestInit): Promise<Response>
}
