import type { CheckpointManifest, ManifestSubtask } from './manifest.ts'

type BeforeFinal = NonNullable<ManifestSubtask['beforeFinal']>

/**
 * What a checkpoint says of a subtask whose input a drain ends: that it does, and where the operators that have seen the
 * final watermark stood before (R12). Those that had seen it when the attempt began tell nothing: that is in its `base`. Pure.
 */
export function drainedFields(
  part: Pick<ManifestSubtask, 'vertex' | 'subtaskIndex' | 'watermarks'>,
  own: BeforeFinal | undefined,
  base: CheckpointManifest | undefined,
): Pick<ManifestSubtask, 'isDrained' | 'beforeFinal'> {
  const beforeFinal: Record<string, number | null> = {}
  for (const [name, watermark] of Object.entries(part.watermarks)) {
    if (watermark === 'max') beforeFinal[name] = own?.[name] ?? earlier(base, part, name)
  }
  return { isDrained: true, beforeFinal }
}

/** Where an operator stood; the lowest of its subtasks where their number has changed. */
function earlier(
  base: CheckpointManifest | undefined,
  { vertex, subtaskIndex }: Pick<ManifestSubtask, 'vertex' | 'subtaskIndex'>,
  name: string,
): number | null {
  const before = (base?.subtasks ?? []).filter((one) => name in (one.beforeFinal ?? {}))
  const same = before.find((one) => one.vertex === vertex && one.subtaskIndex === subtaskIndex)
  const watermarks = (same === undefined ? before : [same]).map((one) => one.beforeFinal![name])
  const numbers = watermarks.filter((watermark) => typeof watermark === 'number')
  return numbers.length === 0 || numbers.length < watermarks.length ? null : Math.min(...numbers)
}

/**
 * The parts of a snapshot as if the input had not been ended by a drain: whoever starts from it goes on with later input, at
 * the watermarks from before the final one (R12). What had ended by itself stays so. Pure.
 */
export function undrained(subtasks: readonly ManifestSubtask[]): ManifestSubtask[] {
  return subtasks.map(({ isDrained, beforeFinal, ...part }) => {
    if (isDrained !== true) return part
    const watermarks = Object.entries(part.watermarks).map(([name, watermark]) => {
      return [name, watermark === 'max' ? (beforeFinal?.[name] ?? null) : watermark] as const
    })
    return { ...part, watermarks: Object.fromEntries(watermarks), isFinished: false }
  })
}
