export type { TabSharing } from '../options/tab-sharing.ts'
export type { TabChannel, TabLockOptions, TabsEnvironment } from './environment.ts'
export type { ShareAcrossTabsOptions, TabRole } from './options.ts'
export { tabs } from './tabs.ts'
