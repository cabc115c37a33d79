import { hash } from 'node:crypto'

/** Kinesis gives each shard a range of the hashes of keys; so many ranges, of equal size, stand for shards that are not known. */
const RANGE_BITS = 8
const HASH_BITS = 128
/** What has no key is dealt out among so many ranges. */
const WITHOUT_KEY = 16

/**
 * In which range of keys a record lies. One of Kinesis goes to the shard of its hash key, which is the MD5 of its key where none is
 * given; records of different shards are in different ranges, but for those at the borders.
 */
export function keyRangeOf({
  key,
  hashKey,
  sequence,
}: {
  readonly key: string | undefined
  readonly hashKey: string | undefined
  /** Its place in the order of writing. */
  readonly sequence: number
}): number {
  if (key === undefined) return sequence % WITHOUT_KEY
  if (hashKey !== undefined) return Number(BigInt(hashKey) >> BigInt(HASH_BITS - RANGE_BITS))
  return hash('md5', key, 'buffer')[0]!
}
