import type { CodeLines, CodeToken } from './code.ts'

/** Props of {@link Code}. */
export interface CodeProps {
  readonly lines: CodeLines
  /** An expression to mark where it first appears. */
  readonly mark?: string
  /** The type to show below the marked expression, as an editor does on hover. */
  readonly type?: CodeLines
}

/** Shows highlighted code. */
export function Code({ lines, mark = '', type }: CodeProps) {
  const marked = mark === '' ? -1 : lines.findIndex((line) => textOf(line).includes(mark))
  return (
    <pre className="code">
      <code>
        {lines.map((line, i) => (
          <span key={i} className="line">
            {i === marked ? <MarkedLine line={line} mark={mark} /> : <Tokens tokens={line} />}
            {i === marked && type && <Hover expression={mark} type={type} />}
          </span>
        ))}
      </code>
    </pre>
  )
}

function Tokens({ tokens }: { readonly tokens: readonly CodeToken[] }) {
  return tokens.map(({ kind, text }, i) => (
    <span key={i} data-kind={kind}>
      {text === '.' && tokens[i - 1]?.text === ')' && <wbr />}
      {text}
    </span>
  ))
}

interface MarkedLineProps {
  readonly line: readonly CodeToken[]
  readonly mark: string
}

function MarkedLine({ line, mark }: MarkedLineProps) {
  const start = textOf(line).indexOf(mark)
  const end = start + mark.length
  const within = (from: number, to: number): readonly CodeToken[] =>
    line.filter((_, i) => {
      const position = textOf(line.slice(0, i)).length
      return position >= from && position < to
    })
  return (
    <>
      <Tokens tokens={within(0, start)} />
      <mark>
        <Tokens tokens={within(start, end)} />
      </mark>
      <Tokens tokens={within(end, Infinity)} />
    </>
  )
}

function Hover({ expression, type }: { readonly expression: string; readonly type: CodeLines }) {
  return (
    <span className="hover">
      <span className="hover-expression">{expression}: </span>
      <span data-what="type">
        {type.map((line, i) => (
          <span key={i}>
            <Tokens tokens={line} />
            {i < type.length - 1 && '\n'}
          </span>
        ))}
      </span>
    </span>
  )
}

function textOf(line: readonly CodeToken[]): string {
  return line.map(({ text }) => text).join('')
}
