'use client'

import { useRouter } from 'next/navigation'
import { useState, useTransition } from 'react'

/** Signs in or out, then lets the server render the page again. */
export function useSessionChange() {
  const router = useRouter()
  const [isPending, startTransition] = useTransition()
  const [failure, setFailure] = useState<string>()
  function change(send: () => Promise<unknown>): void {
    startTransition(async () => {
      try {
        setFailure(undefined)
        await send()
        startTransition(() => router.refresh())
      } catch {
        setFailure('The server does not answer. Try again.')
      }
    })
  }
  return { change, isPending, failure }
}
