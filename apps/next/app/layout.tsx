import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { Providers } from '../page/trpc.tsx'
import './globals.css'

export const metadata: Metadata = {
  title: 'To-dos · trpc-sse with Next.js',
  description: 'A list that the server renders, and that is live from then on.',
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
