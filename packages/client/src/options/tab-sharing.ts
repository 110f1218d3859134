import { RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../set/member.ts'
import type { SetOptions } from '../set/set-options.ts'

/** Sharing across tabs, as `tabs()` of `@trpc-sse/client/tabs` gives it to `sseLink`. */
export interface TabSharing {
  /** Called by the link. */
  readonly share: (parts: never) => unknown
}

/** What a link shares. */
export interface SharingParts {
  /** The settings of a stream that isn't shared. */
  readonly settings: SetOptions
  readonly codec: Codec
}

/** Gives the parts of the settings that differ where the stream is shared. */
export type ShareStream = (parts: SharingParts) => Pick<SetOptions, 'endpoint' | 'fetch'>

/**
 * Makes a set get its streams from the one that all tabs share, if there is sharing. Throws
 * `INVALID_OPTION`.
 */
export function acrossTabs(
  sharing: TabSharing | false | undefined,
  settings: SetOptions,
  codec: Codec,
): SetOptions {
  if (!sharing) return settings
  const { share }: { readonly share?: unknown } = sharing
  if (typeof share === 'function')
    return { ...settings, ...(share as ShareStream)({ settings, codec }) }
  throw new RealtimeError(
    'INVALID_OPTION',
    `shareAcrossTabs is ${JSON.stringify(sharing)}: give tabs(), imported from '@trpc-sse/client/tabs'.`,
  )
}
