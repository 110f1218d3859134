import { createHandler } from './app.ts'

declare const Bun: {
  serve(options: {
    port: number
    hostname: string
    idleTimeout: number
    fetch(req: Request): Promise<Response>
  }): { readonly port: number }
}

// By default, Bun ends a response that is silent for 10 seconds.
const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  fetch: createHandler(),
})
console.log(port)
