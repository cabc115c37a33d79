import { checkpointFolder, MANIFEST } from '../checkpoint/file-names.ts'
import { checkpointObjectOf, RESERVED } from '../checkpoint/object-names.ts'

/** What counts of the checkpoints of a lineage. */
export interface CountedLineage {
  readonly published: readonly number[]
  /** Names that their manifests have, in the place of the lineage. */
  readonly named: ReadonlySet<string>
}

/**
 * Which of the objects of a lineage no checkpoint needs; pure.
 *
 * `names` are all that there are in its place. What is none of a checkpoint's is left alone. The highest id stays taken, so that it is
 * not given out again (R1). `isAlone`: no run writes there, so that what lies above the newest checkpoint is left over, too.
 */
export function objectGarbage(
  names: readonly string[],
  { published, named }: CountedLineage,
  isAlone: boolean,
): string[] {
  const objects = names.flatMap((name) => {
    const object = checkpointObjectOf(name)
    return object === undefined ? [] : [{ name, ...object }]
  })
  const highest = objects.reduce((most, { checkpointId }) => Math.max(most, checkpointId), 0)
  const newest = Math.max(0, ...published)
  const counting = new Set(published)
  return objects
    .filter(({ name, file, checkpointId }) => {
      if (!isAlone && checkpointId > newest) return false
      if (file === RESERVED) return !counting.has(checkpointId) && checkpointId !== highest
      if (name === `${checkpointFolder(checkpointId)}/${MANIFEST}`)
        return !counting.has(checkpointId)
      return !named.has(name)
    })
    .map(({ name }) => name)
}
