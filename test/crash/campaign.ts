import { existsSync } from 'node:fs'
import { FAILPOINTS, type Failpoint, SAVEPOINT_POINTS } from '../../runtime/failpoint.ts'
import { SeededRandom } from '../../runtime/clock.ts'
import type { Blow, Moment } from './child-run.ts'
import { type CaseOutcome, type Phase, PHASES, runCase } from './crash-case.ts'
import type { CrashInputs } from './inputs.ts'
import { fraudCase, ledgerCase, type PlannedCase, randomCase } from './random-case.ts'

/** What a campaign has come to. */
export interface Campaign {
  cases: number
  kills: number
  stops: number
  /** Runs that wrote state to LevelDB, or went on at another parallelism, and finished files, over all cases. */
  spills: number
  changeFiles: number
  /** Savepoints that were complete, and lives that went on from one. */
  savepoints: number
  restores: number
  rescales: number
  files: number
  mostBytes: number
  readonly phases: Map<Phase, number>
  /** What kills have hit; some have hit several things, and some nothing that has a name. */
  readonly hits: Map<string, number>
  /** Runs with a disk that failed, and those of them that ended because of it. */
  faultyRuns: number
  faultyEnds: number
  /** The case that went wrong, with what is wrong; the campaign ends there. */
  failure: { readonly case: PlannedCase; readonly outcome: CaseOutcome } | undefined
}

export type Tell = (line: string) => void

/** Kills runs of random jobs at random moments until there have been so many kills, or something is wrong. */
export async function randomKills(options: {
  readonly seed: number
  readonly kills: number
  readonly inputs: CrashInputs
  /** Only this case of the seed. */
  readonly only?: number | undefined
  readonly tell: Tell
}): Promise<Campaign> {
  const { seed, inputs, only, tell } = options
  const campaign = newCampaign()
  for (let index = only ?? 0; campaign.kills < options.kills; index++) {
    const planned = randomCase(seed, index, inputs)
    const blows = planned.blows.slice(0, options.kills - campaign.kills)
    const outcome = await runCase(planned.one, blows)
    record(campaign, { ...planned, blows }, outcome)
    if (campaign.failure !== undefined || only !== undefined) break
    tell(
      `${campaign.kills}/${options.kills} kills, case ${index}: ${planned.label}: ${killsOf(outcome)}, output equal`,
    )
  }
  return campaign
}

/** Points that every start passes once. */
const AT_START: ReadonlySet<Failpoint> = new Set([
  'before-prepare-output',
  'after-prepare-output',
  'before-restore',
  'after-restore',
])

/**
 * Crashes at every named point, and there again in the recovery that follows: each in a life of its own, at its first time
 * and at its fourth, and then once more while that crash is recovered from.
 */
export async function namedPoints(options: {
  readonly inputs: CrashInputs
  /** Only these. */
  readonly only?: readonly string[]
  readonly tell: Tell
}): Promise<Campaign> {
  const { inputs, only = [], tell } = options
  const campaign = newCampaign()
  const recoveries = [...AT_START]
  for (const [index, name] of FAILPOINTS.entries()) {
    if (only.length > 0 && !only.includes(name)) continue
    for (const count of AT_START.has(name) ? [1] : [1, 4]) {
      const recovery = recoveries[index % recoveries.length]!
      const blows = [failpoint(name, count), failpoint(name, 1), failpoint(recovery, 1)]
      await crashAtPoints(campaign, {
        plan: (seconds) => pointCase(inputs, { label: `${name}:${count}`, blows, index, seconds }),
        tell,
      })
      if (campaign.failure !== undefined) return campaign
    }
  }
  return campaign
}

/**
 * Crashes at the named points of savepoints: while one is taken and while the job stops with one, and there again; and at
 * those of a start that takes one over.
 */
export async function savepointPoints(options: {
  readonly inputs: CrashInputs
  readonly only?: readonly string[]
  readonly tell: Tell
}): Promise<Campaign> {
  const { inputs, only = [], tell } = options
  const campaign = newCampaign()
  for (const [index, name] of SAVEPOINT_POINTS.entries()) {
    if (only.length > 0 && !only.includes(name)) continue
    await crashAtPoints(campaign, {
      plan: (seconds) => {
        return pointCase(inputs, { label: name, blows: blowsAt(name), index, seconds })
      },
      tell,
    })
    if (campaign.failure !== undefined) break
  }
  return campaign
}

function blowsAt(name: (typeof SAVEPOINT_POINTS)[number]): Blow[] {
  const at: Moment = { after: 'checkpoint', nth: 2, delayMs: 10 }
  const blow = failpoint(name, 1)
  if (name.startsWith('savepoint')) {
    return [
      { ...blow, savepoint: { verb: 'savepoint', at, next: 'from' } },
      { ...blow, savepoint: { verb: 'stop', at, next: 'claim' } },
    ]
  }
  const stop: Blow = { kind: 'none', savepoint: { verb: 'stop', at, next: 'claim' } }
  // What has been taken over is not taken over again.
  return name === 'claim-published' ? [stop, blow] : [stop, blow, blow]
}

/** The same in one life, each point twice in a row: shorter. */
export async function namedPointsInOneLife(inputs: CrashInputs): Promise<Campaign> {
  const campaign = newCampaign()
  const blows = FAILPOINTS.flatMap((name, index) => [
    failpoint(name, AT_START.has(name) ? 1 : 1 + (index % 2)),
    failpoint(name, 1),
  ])
  await crashAtPoints(campaign, {
    plan: (seconds) => pointCase(inputs, { label: 'every point', blows, index: 0, seconds }),
    tell: () => {},
  })
  return campaign
}

/** Seconds that the input of a life lasts; where it ends before all has happened to it, it is lived again with more. */
const POINT_SECONDS = [20, 40, 80]

async function crashAtPoints(
  campaign: Campaign,
  options: { readonly plan: (seconds: number) => PlannedCase; readonly tell: Tell },
): Promise<void> {
  for (const seconds of POINT_SECONDS) {
    const planned = options.plan(seconds)
    const outcome = await runCase(planned.one, planned.blows)
    const { kills, missed, problems } = outcome
    if (missed !== undefined && problems.length === 0) {
      options.tell(`${planned.label}: ${missed} is not reached within ${seconds} s of input`)
      if (seconds < POINT_SECONDS.at(-1)!) continue
      record(campaign, planned, { ...outcome, problems: [`failpoint ${missed} is not reached`] })
      return
    }
    record(campaign, planned, outcome)
    const end = problems.length === 0 ? 'output equal' : 'DIFFERENT'
    options.tell(`${planned.label}: killed ${kills.length} times, ${end}`)
    return
  }
}

function failpoint(name: Failpoint, count: number): Blow {
  return { kind: 'failpoint', name, count }
}

function pointCase(
  inputs: CrashInputs,
  options: {
    readonly label: string
    readonly blows: readonly Blow[]
    readonly index: number
    readonly seconds: number
  },
): PlannedCase {
  const { label, blows, index, seconds } = options
  const random = new SeededRandom(index)
  const settings = {
    parallelism: index % 3 === 2 ? 4 : 2,
    checkpointIntervalMs: 60,
    seconds,
  }
  const drawn = index % 2 === 0 ? fraudCase : ledgerCase
  const { one, label: job } = drawn(random, inputs, settings)
  return { one, blows, label: `${label}, ${job}, parallelism ${settings.parallelism}` }
}

function record(campaign: Campaign, planned: PlannedCase, outcome: CaseOutcome): void {
  campaign.cases++
  campaign.kills += outcome.kills.length
  campaign.stops += outcome.stops
  campaign.spills += outcome.spills
  campaign.changeFiles += outcome.changeFiles
  campaign.savepoints += outcome.savepoints
  campaign.restores += outcome.restores
  campaign.rescales += outcome.rescales.length
  campaign.files += outcome.files
  campaign.faultyRuns += outcome.faultyRuns
  campaign.faultyEnds += outcome.faultyEnds
  for (const hit of outcome.hits) campaign.hits.set(hit, (campaign.hits.get(hit) ?? 0) + 1)
  campaign.mostBytes = Math.max(campaign.mostBytes, outcome.mostBytes)
  for (const phase of outcome.kills) {
    campaign.phases.set(phase, (campaign.phases.get(phase) ?? 0) + 1)
  }
  if (outcome.problems.length > 0) campaign.failure = { case: planned, outcome }
}

function newCampaign(): Campaign {
  return {
    cases: 0,
    kills: 0,
    stops: 0,
    spills: 0,
    changeFiles: 0,
    savepoints: 0,
    restores: 0,
    rescales: 0,
    files: 0,
    mostBytes: 0,
    phases: new Map(),
    hits: new Map(),
    faultyRuns: 0,
    faultyEnds: 0,
    failure: undefined,
  }
}

function killsOf(outcome: CaseOutcome): string {
  const stops = outcome.stops === 0 ? '' : `, ${outcome.stops} stops`
  const spills = outcome.spills === 0 ? '' : `, ${outcome.spills} runs with state in LevelDB`
  const { length } = outcome.rescales
  const rescales = length === 0 ? '' : `, ${length} rescales`
  return `${outcome.kills.length} kills${stops}${rescales}${spills}`
}

/** The figures of a campaign, one a line. */
export function summaryOf(campaign: Campaign): string[] {
  const { cases, kills, stops, spills, rescales, files, mostBytes, phases } = campaign
  const { savepoints, restores, hits, faultyRuns, faultyEnds, changeFiles } = campaign
  const byName = [...hits].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    `${cases} jobs, ${kills} kills, ${stops} stops, ${rescales} rescales, ${files} finished files, ${spills} runs with state in LevelDB`,
    `${changeFiles} runs with changes in files before their checkpoint`,
    `${savepoints} savepoints, ${restores} of them started from`,
    `kills ${PHASES.map((phase) => `${phase}: ${phases.get(phase) ?? 0}`).join(', ')}`,
    `kills that hit ${byName.map(([name, count]) => `${name}: ${count}`).join(', ')}`,
    `${faultyRuns} runs with a disk that failed, ${faultyEnds} of which ended because of it`,
    `checkpoints took ${(mostBytes / 1e6).toFixed(1)} MB at most`,
  ]
}

function factsOf({ one, blows }: PlannedCase): unknown {
  const { params, memory, parallelism, goesOnAt, loadsLate, writesChanges } = one
  return { params, memory, parallelism, goesOnAt, loadsLate, writesChanges, blows }
}

/** What went wrong, and where to look. */
export function failureLines(campaign: Campaign): string[] {
  if (campaign.failure === undefined) return []
  const { case: planned, outcome } = campaign.failure
  const { problems, folder } = outcome
  return [
    `DIFFERENT: ${planned.label}`,
    `  ${JSON.stringify(factsOf(planned))}`,
    ...problems.slice(0, 20).map((problem) => `  ${problem}`),
    ...(problems.length > 20 ? [`  and ${problems.length - 20} more`] : []),
    ...(existsSync(folder) ? [`  kept: ${folder}`] : []),
  ]
}
