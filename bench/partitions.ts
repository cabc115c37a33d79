import type { Source } from 'millrace'

/** What the enumerator of a source whose subtasks have one split each keeps. */
export interface Assigned {
  readonly isAssigned: boolean
}

/** The part of the records that one subtask has: every `partitions`-th from `partition` on. */
export interface Partition {
  readonly id: string
  readonly partition: number
  readonly partitions: number
}

type CreateEnumerator<S extends Partition> = Source<never, S, Assigned>['createEnumerator']

/** Gives each subtask a split of its own, once: `begin` is called when all of them are there, and what it returns makes the splits. */
export function onePartitionEach<S extends Partition>(
  name: string,
  begin: () => (of: Partition) => S,
): CreateEnumerator<S> {
  return (context, restored) => {
    let isAssigned = restored?.isAssigned ?? false
    const partitions = context.parallelism
    return {
      start() {
        const splitOf = begin()
        for (let partition = 0; partition < partitions; partition++) {
          const split = splitOf({ id: `${name}-${partition}`, partition, partitions })
          if (!isAssigned) context.assignSplits(partition, [split])
          context.signalNoMoreSplits(partition)
        }
        isAssigned = true
      },
      snapshotState: () => ({ isAssigned }),
    }
  }
}
