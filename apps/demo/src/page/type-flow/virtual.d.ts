/** Made by src/build/type-flow.ts when the page is built. */
declare module 'virtual:type-flow' {
  export const typeFlow: import('./code.ts').TypeFlow
}
