import type { RedisConnection } from '../redis/connect.ts'

/** What INFO says about a Redis. */
export interface RedisInfo {
  /** `Redis` or `Valkey`. */
  readonly product: string
  readonly version: string
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string
  /** `master` or `slave`. */
  readonly role: string
  readonly maxmemory: number
  readonly usedMemory: number
  readonly maxmemoryPolicy: string
}

/** Reads INFO. */
export async function readInfo({ redis }: RedisConnection): Promise<RedisInfo> {
  return parseInfo(await redis.info())
}

/** Parses the reply of INFO. */
export function parseInfo(text: string): RedisInfo {
  const fields = new Map(
    text.split(/\r?\n/).map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1)] as const
    }),
  )
  const get = (name: string): string => fields.get(name) ?? ''
  const isValkey = fields.has('valkey_version')
  return {
    product: isValkey ? 'Valkey' : 'Redis',
    version: get(isValkey ? 'valkey_version' : 'redis_version'),
    mode: get('redis_mode') || get('server_mode'),
    role: get('role'),
    maxmemory: Number(get('maxmemory')),
    usedMemory: Number(get('used_memory')),
    maxmemoryPolicy: get('maxmemory_policy'),
  }
}
