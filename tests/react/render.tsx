import type { InitialData } from '@trpc-sse/react'
import { StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import type { Todo } from './app.ts'
import { Todos } from './components.tsx'

/** Renders the page of a list on the server. */
export function renderPage(initialData: InitialData<Todo[]>): string {
  return renderToString(
    <StrictMode>
      <Todos initialData={initialData} />
    </StrictMode>,
  )
}
