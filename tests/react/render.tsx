import type { InitialData } from '@trpc-sse/react'
import { StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { Todos } from './components.tsx'
import type { Todo } from './router.ts'

/** Renders the page of a list on the server. */
export function renderPage(initialData: InitialData<Todo[]>): string {
  return renderToString(
    <StrictMode>
      <Todos initialData={initialData} />
    </StrictMode>,
  )
}
