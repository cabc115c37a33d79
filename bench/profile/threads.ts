import type { Attribution, CpuProfile } from './cpu-profile.ts'

/** The profile of one thread, in the file that Node has written. */
export interface ThreadProfile {
  readonly file: string
  readonly profile: CpuProfile
  readonly attribution: Attribution
}

/** A thread that was there in the span of the attribution. */
export interface NamedThread {
  readonly name: string
  readonly attribution: Attribution
}

/** By what runs in them: modules that are the entry of a thread. */
const ENTRIES = [
  ['runtime/job/worker.ts', 'worker'],
  ['runtime/job/merge-worker.ts', 'merging'],
] as const

/**
 * Names threads by what they run, in the order of their ids, workers first: `worker 1`, `worker 2`, `main`. Those that spent no time in
 * the span, such as the one that planned the job, are left out.
 */
export function nameThreads(profiles: readonly ThreadProfile[]): NamedThread[] {
  const threads = profiles
    .filter(({ attribution }) => attribution.totalUs > 0)
    .map(({ file, profile, attribution }) => {
      const id = threadId(file)
      return { id, kind: id === 0 ? 'main' : kindOf(profile), attribution }
    })
    .sort((a, b) => rank(a.kind) - rank(b.kind) || a.id - b.id)
  const counts = new Map<string, number>()
  return threads.map(({ kind, attribution }) => {
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    return { name: kind === 'main' ? kind : `${kind} ${count}`, attribution }
  })
}

/** `CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile` */
function threadId(file: string): number {
  return Number(/\.(\d+)\.\d+\.cpuprofile$/.exec(file)?.[1] ?? NaN)
}

function kindOf({ nodes }: CpuProfile): string {
  const entry = ENTRIES.find(([path]) =>
    nodes.some(({ callFrame }) => callFrame.url.endsWith(`/${path}`)),
  )
  return entry?.[1] ?? 'thread'
}

function rank(kind: string): number {
  return ['worker', 'main', 'merging', 'thread'].indexOf(kind)
}
