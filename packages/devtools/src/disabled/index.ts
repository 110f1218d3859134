import type { Devtools } from '../devtools.ts'

export type {
  Devtools,
  DevtoolsOptions,
  DevtoolsPlugin,
  Panel,
  PanelOptions,
} from '../devtools.ts'

/** Creates devtools that do nothing, for production. */
export function createDevtools(): Devtools {
  return {
    link:
      () =>
      () =>
      ({ op, next }) =>
        next(op),
    options: (options) => options,
    mount: () => ({ update() {}, unmount() {} }),
    plugin: { id: 'trpc-sse', name: 'tRPC subscriptions', render() {}, destroy() {} },
  }
}
