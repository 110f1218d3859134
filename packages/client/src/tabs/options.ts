import type { TabsEnvironment } from './environment.ts'

/**
 * The role of a tab among those that share a connection. `leading` has the connection for all of
 * them, `following` is served by the leading tab, and `alone` has its own connection. A tab is
 * alone if the browser can't share, or if every request belongs to another user.
 */
export type TabRole = 'leading' | 'following' | 'alone'

/** How tabs share a connection. */
export interface ShareAcrossTabsOptions {
  /**
   * Identifies the user; called before every request. Return a different text for every user, and
   * the same text in all tabs of a user. Tabs share a connection if `url` and this text are equal;
   * their headers may differ, and those of the leading tab are sent. **Required if cookies identify
   * users**, because the link can't see cookies.
   *
   * @default `url`, `connectionParams` and all headers
   */
  readonly identity?: () => string
  /**
   * Called with the role of this tab whenever it changes. An error that it throws is an uncaught
   * exception.
   *
   * @default no call
   */
  readonly onRole?: (role: TabRole) => void
  /**
   * How tabs communicate, for tests.
   *
   * @default the browser's Web Locks and BroadcastChannel
   */
  readonly environment?: TabsEnvironment
}
