import { adapterCases, canServe } from '@trpc-sse/server/testing'
import { describe, it } from 'vitest'
import { mounts } from './mounts.ts'

describe.each(mounts)('$name', (mount) => {
  for (const adapterCase of adapterCases) {
    it.runIf(canServe(mount, adapterCase))(`${adapterCase.about}: ${adapterCase.name}`, () =>
      adapterCase.run(mount),
    )
  }
})
