/**
 * Which subtask reads a partition: the partitions of a topic go round from a place that its name gives, as in Flink
 * (semantics 2.13). Pure.
 */
export function ownerOf(topic: string, partition: number, parallelism: number): number {
  const start = (Math.imul(javaHash(topic), 31) & 0x7fff_ffff) % parallelism
  return (start + partition) % parallelism
}

/** `String.hashCode` of Java. */
function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}
