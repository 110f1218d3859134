import { typeFlow } from 'virtual:type-flow'
import type { ReactNode } from 'react'
import { Card } from '../ui/card.tsx'
import type { CodeExcerpt } from './code.ts'
import { Code } from './code-block.tsx'
import { Refusal } from './refusal.tsx'

const { channel, procedure, component, expression, type } = typeFlow

/** Shows how one type flows from the channel to the component, and what it refuses. */
export function TypeFlowCard() {
  const aside = <span className="aside">this page’s own source, read when it was built</span>
  return (
    <Card title="One type, from the channel to the component" className="type-flow" aside={aside}>
      <ol className="type-flow-steps">
        <Step title="The channel describes the event" excerpt={channel}>
          <Code lines={channel.lines} />
        </Step>
        <Step title="The procedure adds no types" excerpt={procedure}>
          <Code lines={procedure.lines} />
        </Step>
        <Step title="The component knows the type" excerpt={component}>
          <Code lines={component.lines} mark={expression} type={type.lines} />
        </Step>
        <Step title="A wrong event is refused">
          <Refusal />
        </Step>
      </ol>
    </Card>
  )
}

interface StepProps {
  readonly title: string
  readonly excerpt?: CodeExcerpt
  readonly children: ReactNode
}

function Step({ title, excerpt, children }: StepProps) {
  return (
    <li>
      <h3>{title}</h3>
      {excerpt && (
        <p className="aside">
          {excerpt.file}:{excerpt.firstLine}
        </p>
      )}
      {children}
    </li>
  )
}
