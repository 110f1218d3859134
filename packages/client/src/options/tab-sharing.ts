import { RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../set/member.ts'
import type { SetOptions } from '../set/set-options.ts'

/** Sharing across tabs, as returned by `tabs()` of `@trpc-sse/client/tabs`. */
export interface TabSharing {
  /** Called by the link. */
  readonly share: (parts: never) => unknown
}

/** The parts of a link that sharing needs. */
export interface SharingParts {
  /** The settings of a stream that isn't shared. */
  readonly settings: SetOptions
  readonly codec: Codec
}

/** Returns the settings that differ if the stream is shared. */
export type ShareStream = (
  parts: SharingParts,
) => Pick<SetOptions, 'endpoint' | 'fetch' | 'onDelayed'>

/**
 * Returns the settings of a set whose streams come from the one that all tabs share, if there is
 * sharing. Throws `INVALID_OPTION`.
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
