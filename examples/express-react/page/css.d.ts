import 'react'

declare module 'react' {
  interface CSSProperties {
    '--share'?: number
  }
}
