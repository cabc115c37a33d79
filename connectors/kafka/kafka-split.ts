/** One partition with the position of its next record; plain data, part of the checkpoint (R31, R32). */
export interface KafkaSplit {
  /** `topic[partition]`. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  /** Offset of the next record to read. */
  readonly offset: number
  /** Offset before which reading ends; -1 where it does not end. */
  readonly end: number
  readonly isFinished: boolean
}

/** Name of a split, and of a partition in messages. */
export function splitId(topic: string, partition: number): string {
  return `${topic}[${partition}]`
}

/** A split that begins at an offset; one that has nothing to read is finished at once. */
export function newSplit(topic: string, partition: number, offset: number, end = -1): KafkaSplit {
  const isFinished = end >= 0 && offset >= end
  return { id: splitId(topic, partition), topic, partition, offset, end, isFinished }
}
