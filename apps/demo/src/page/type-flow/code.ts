/** A piece of highlighted code. */
export interface CodeToken {
  /** Its kind, which decides its colour. */
  readonly kind: string
  readonly text: string
}

/** Code as lines of tokens. */
export type CodeLines = ReadonlyArray<readonly CodeToken[]>

/** A part of the demo's source. */
export interface CodeExcerpt {
  /** The file's path below `apps/demo`. */
  readonly file: string
  /** The number of its first line in the file, from 1. */
  readonly firstLine: number
  readonly lines: CodeLines
}

/** How a type flows from the channel to the component. */
export interface TypeFlow {
  readonly channel: CodeExcerpt
  readonly procedure: CodeExcerpt
  readonly component: CodeExcerpt
  /** The expression in the component that has the type. */
  readonly expression: string
  /** The type, as the compiler prints it. */
  readonly type: { readonly source: string; readonly lines: CodeLines }
}
