import { runJava } from './java-tool.ts'

/** A record as the Java client reads it. */
export interface JavaRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In the order of the record; a name may occur more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

export interface ReadCommittedOptions {
  readonly brokers: string
  readonly topic: string
  /** Settings of the Java consumer, for example of its security. */
  readonly properties?: Readonly<Record<string, string>>
  /** When the reader is killed. Default: 60 s. */
  readonly timeoutMs?: number
}

/**
 * All records of a topic that a `read_committed` consumer sees, by the Java client: a judge of exactly-once that shares no code
 * with what it judges.
 *
 * Each partition is read from the beginning to its last stable offset, as it is when the reader starts: a transaction that is open
 * then, and what is behind its first record, is not read. Records of a partition come in order. About 0.7 s and the time of reading; a
 * million records of 200 bytes take 5 s and 1 GB of memory.
 */
export async function readCommitted(options: ReadCommittedOptions): Promise<readonly JavaRecord[]> {
  const { brokers, topic, properties = {}, timeoutMs = 60_000 } = options
  const settings = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
  return decodeFrames(await runJava('ReadCommitted', [brokers, topic, ...settings], { timeoutMs }))
}

/** The partitions that the Java producer gives to keys, in their order, by its own code. */
export async function javaPartitions(
  keys: readonly Uint8Array[],
  partitions: number,
): Promise<number[]> {
  const input = keys.map((key) => `${Buffer.from(key).toString('hex')}\n`).join('')
  const answer = await runJava('JavaPartitions', [`${partitions}`], { timeoutMs: 60_000, input })
  return answer.toString().trimEnd().split('\n').map(Number)
}

/** Frames as ReadCommitted.java describes them. */
function decodeFrames(frames: Buffer): JavaRecord[] {
  let at = 0
  const int = (): number => frames.readInt32BE((at += 4) - 4)
  const long = (): number => Number(frames.readBigInt64BE((at += 8) - 8))
  const bytes = (): Buffer | null => {
    const length = int()
    return length < 0 ? null : frames.subarray(at, (at += length))
  }
  const records: JavaRecord[] = []
  for (let partition = int(); partition >= 0; partition = int()) {
    const [offset, timestamp, key, value] = [long(), long(), bytes(), bytes()]
    const headers = Array.from({ length: int() }, () => [bytes()!.toString(), bytes()] as const)
    records.push({ partition, offset, timestamp, key, value, headers })
  }
  const count = long()
  if (count !== records.length || at !== frames.length) {
    throw new Error(`The Java reader wrote ${count} records, and ${records.length} arrived.`)
  }
  return records
}
