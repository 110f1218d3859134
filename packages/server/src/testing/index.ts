export {
  type BackendCase,
  type BackendCaseContext,
  type BackendCaseHook,
  isRunnable,
} from './backend-case.ts'
export { backendCases } from './backend-cases.ts'
