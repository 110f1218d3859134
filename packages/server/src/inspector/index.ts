export type { Inspector } from '../link/inspection.ts'
export {
  type InspectorAccess,
  type InspectorAction,
  type InspectorOptions,
  inspector,
} from './inspector.ts'
export type { Action, Drill } from './messages.ts'
