export {
  type AdapterApp,
  type AdapterAppContext,
  type AdapterAppRequest,
  createAdapterApp,
} from './adapter-app.ts'
export {
  type AdapterCase,
  type AdapterCaseContext,
  type AdapterExtra,
  type AdapterServeOptions,
  type AdapterServer,
  canServe,
  corsOrigin,
} from './adapter-case.ts'
export { adapterCases } from './adapter-cases.ts'
export {
  type BackendCase,
  type BackendCaseContext,
  type BackendCaseHook,
  isRunnable,
} from './backend-case.ts'
export { backendCases } from './backend-cases.ts'
