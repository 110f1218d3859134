import { toHex } from './hex.ts'

// It isn't imported, as bundles for edge runtimes would fail to build.
interface NodeCrypto {
  hash?(algorithm: 'sha256', text: string): string
}

interface Runtime {
  readonly process?: { getBuiltinModule?(id: string): NodeCrypto | undefined }
}

const { process } = globalThis as Runtime
const nodeCrypto = process?.getBuiltinModule?.('node:crypto')
const encoder = new TextEncoder()

/**
 * Computes the SHA-256 digest of a text, as hexadecimal text. Returns a promise only where Web
 * Crypto is all there is: it takes thirty times as long, as it uses another thread.
 */
export function sha256(text: string): string | Promise<string> {
  return nodeCrypto?.hash?.('sha256', text) ?? webSha256(text)
}

/** Computes the same digest in any runtime. */
export async function webSha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
}
