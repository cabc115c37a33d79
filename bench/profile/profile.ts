import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { monotonicMs } from '../monotonic.ts'
import { nodeContender } from '../nexmark/child.ts'
import { type Iteration, nameOf } from '../nexmark/contender.ts'
import { UsageError } from '../option-values.ts'
import { attribute, type CpuProfile, type Span } from './cpu-profile.ts'
import { parseProfilePlan, type ProfilePlan } from './options.ts'
import { asJson, placeLines, shareRows } from './profile-table.ts'
import { nameThreads, type ThreadProfile } from './threads.ts'

export { profileHelp } from './options.ts'

const ROOT = new URL('../../', import.meta.url).href
/** Between two samples, in µs. */
const INTERVAL_US = 500

export async function profileBench(args: string[]): Promise<void> {
  const plan = parseProfilePlan(args)
  const folder = folderFor(plan)
  const { setting, rounds, top } = plan
  const iteration = await profiledRun(plan, folder)
  const threads = nameThreads(profilesIn(folder, spanOf(iteration)))
  const events = setting.events * rounds
  for (const { name, attribution } of threads) {
    console.log(`\n${name}: the functions that took most by themselves`)
    for (const line of placeLines(attribution, top)) console.log(line)
  }
  console.log(`\n${nameOf(setting)}`)
  console.table(shareRows(threads, events))
  const perSecond = Math.round(events / iteration.seconds).toLocaleString('en')
  const ns = Math.round((iteration.cpuSeconds * 1e9) / events)
  console.log(`${perSecond} events/s, ${ns} ns CPU an event, with the profiler`)
  console.log(JSON.stringify({ bench: 'profile', ...setting, rounds, ...asJson(threads, events) }))
  console.log(`The profiles are in ${folder}`)
}

/** A folder without older profiles. */
function folderFor({ out, setting }: ProfilePlan): string {
  if (out === undefined) return mkdtempSync(join(tmpdir(), `millrace-profile-${setting.query}-`))
  const folder = resolve(out)
  mkdirSync(folder, { recursive: true })
  if (profileNames(folder).length > 0) {
    throw new UsageError(
      `${folder} has profiles of another run; give another folder, or remove them.`,
    )
  }
  return folder
}

/** Node writes a profile of each thread when it ends, also of threads that are terminated. */
async function profiledRun({ setting, rounds }: ProfilePlan, folder: string): Promise<Iteration> {
  const engine = nodeContender('engine-child.ts', setting, {
    env: { MILLRACE_STATE_BACKEND: setting.state },
    nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`],
  })
  try {
    return await engine.run({ rounds })
  } finally {
    await engine.close()
  }
}

/** V8 takes its times from the monotonic clock of the machine, which all processes share. */
function spanOf({ fromMs, toMs }: Iteration): Span {
  const behindEpochMs = performance.timeOrigin + performance.now() - monotonicMs()
  const at = (ms: number): number => (ms - behindEpochMs) * 1_000
  return { fromUs: at(fromMs!), toUs: at(toMs!) }
}

function profileNames(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
}

function profilesIn(folder: string, span: Span): ThreadProfile[] {
  return profileNames(folder).map((file) => {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
    return { file, profile, attribution: attribute(profile, span, ROOT) }
  })
}
