/** Removes APIs that older runtimes lack, before anything else is loaded. */
const newer = [
  'fetch',
  'TextDecoder',
  ...Object.getOwnPropertyNames(globalThis).filter((name) => /Stream/.test(name)),
]
for (const name of newer) Reflect.deleteProperty(globalThis, name)
Reflect.deleteProperty(Response.prototype, 'body')

export {}
