import { TanStackDevtools } from '@tanstack/react-devtools'
import { reactPlugin } from '@trpc-sse/devtools/react'
import { createRoot } from 'react-dom/client'
import { devtools } from './live/devtools.ts'

/** Shows the button of the devtools in a corner of the page. */
export function showDevPanel(): void {
  const element = document.body.appendChild(document.createElement('div'))
  createRoot(element).render(<TanStackDevtools plugins={[reactPlugin(devtools)]} />)
}
