import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { Providers } from '../page/trpc.tsx'
import './globals.css'

export const metadata: Metadata = {
  title: 'To-dos · trpc-sse with Next.js',
  description: 'A list that a server renders, and that is live from there on.',
}

export const viewport: Viewport = { colorScheme: 'light dark' }

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <main>
          <Providers>{children}</Providers>
        </main>
      </body>
    </html>
  )
}
