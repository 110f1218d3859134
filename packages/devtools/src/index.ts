export { createDevtools } from './create-devtools.ts'
export type {
  Devtools,
  DevtoolsOptions,
  DevtoolsPlugin,
  Panel,
  PanelOptions,
} from './devtools.ts'
