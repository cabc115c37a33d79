import { FAILPOINTS, type Failpoint } from '../../runtime/failpoint.ts'
import { SeededRandom } from '../../runtime/clock.ts'
import type { Blow } from './child-run.ts'
import { type CaseOutcome, type Phase, PHASES, runCase } from './crash-case.ts'
import type { CrashInputs } from './inputs.ts'
import { fraudCase, ledgerCase, type PlannedCase, randomCase } from './random-case.ts'

/** What a campaign has come to. */
export interface Campaign {
  cases: number
  kills: number
  stops: number
  /** Runs that wrote state to LevelDB, and finished files, over all cases. */
  spills: number
  files: number
  mostBytes: number
  readonly phases: Map<Phase, number>
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
    const outcome = await runOne(campaign, { ...planned, blows })
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
  readonly tell: Tell
}): Promise<Campaign> {
  const campaign = newCampaign()
  const recoveries = [...AT_START]
  for (const [index, name] of FAILPOINTS.entries()) {
    for (const count of AT_START.has(name) ? [1] : [1, 4]) {
      const recovery = recoveries[index % recoveries.length]!
      const blows = [failpoint(name, count), failpoint(name, 1), failpoint(recovery, 1)]
      const planned = pointCase(options.inputs, `${name}:${count}`, blows, index)
      const outcome = await runOne(campaign, planned)
      if (campaign.failure !== undefined) return campaign
      options.tell(`${planned.label}: killed ${outcome.kills.length} times, output equal`)
    }
  }
  return campaign
}

/** The same in one life, each point twice in a row: shorter. */
export async function namedPointsInOneLife(inputs: CrashInputs): Promise<Campaign> {
  const campaign = newCampaign()
  const blows = FAILPOINTS.flatMap((name, index) => [
    failpoint(name, AT_START.has(name) ? 1 : 1 + (index % 2)),
    failpoint(name, 1),
  ])
  await runOne(campaign, pointCase(inputs, 'every point', blows, 0))
  return campaign
}

function failpoint(name: Failpoint, count: number): Blow {
  return { kind: 'failpoint', name, count }
}

/** Slow enough that no life ends before all has happened to it. */
function pointCase(
  inputs: CrashInputs,
  label: string,
  blows: readonly Blow[],
  index: number,
): PlannedCase {
  const random = new SeededRandom(index)
  const settings = {
    parallelism: index % 3 === 2 ? 4 : 2,
    checkpointIntervalMs: 60,
    seconds: 20,
  }
  const drawn = index % 2 === 0 ? fraudCase : ledgerCase
  const { one, label: job } = drawn(random, inputs, settings)
  return { one, blows, label: `${label}, ${job}, parallelism ${settings.parallelism}` }
}

async function runOne(campaign: Campaign, planned: PlannedCase): Promise<CaseOutcome> {
  const outcome = await runCase(planned.one, planned.blows)
  campaign.cases++
  campaign.kills += outcome.kills.length
  campaign.stops += outcome.stops
  campaign.spills += outcome.spills
  campaign.files += outcome.files
  campaign.mostBytes = Math.max(campaign.mostBytes, outcome.mostBytes)
  for (const phase of outcome.kills) {
    campaign.phases.set(phase, (campaign.phases.get(phase) ?? 0) + 1)
  }
  if (outcome.problems.length > 0) campaign.failure = { case: planned, outcome }
  return outcome
}

function newCampaign(): Campaign {
  return {
    cases: 0,
    kills: 0,
    stops: 0,
    spills: 0,
    files: 0,
    mostBytes: 0,
    phases: new Map(),
    failure: undefined,
  }
}

function killsOf(outcome: CaseOutcome): string {
  const stops = outcome.stops === 0 ? '' : `, ${outcome.stops} stops`
  const spills = outcome.spills === 0 ? '' : `, ${outcome.spills} runs with state in LevelDB`
  return `${outcome.kills.length} kills${stops}${spills}`
}

/** The figures of a campaign, one a line. */
export function summaryOf(campaign: Campaign): string[] {
  const { cases, kills, stops, spills, files, mostBytes, phases } = campaign
  return [
    `${cases} jobs, ${kills} kills, ${stops} stops, ${files} finished files, ${spills} runs with state in LevelDB`,
    `kills ${PHASES.map((phase) => `${phase}: ${phases.get(phase) ?? 0}`).join(', ')}`,
    `checkpoints took ${(mostBytes / 1e6).toFixed(1)} MB at most`,
  ]
}

/** What went wrong, and where to look. */
export function failureLines(campaign: Campaign): string[] {
  if (campaign.failure === undefined) return []
  const { case: planned, outcome } = campaign.failure
  const { problems, folder } = outcome
  return [
    `DIFFERENT: ${planned.label}`,
    `  ${JSON.stringify({ params: planned.one.params, memory: planned.one.memory, blows: planned.blows })}`,
    ...problems.slice(0, 20).map((problem) => `  ${problem}`),
    ...(problems.length > 20 ? [`  and ${problems.length - 20} more`] : []),
    `  kept: ${folder}`,
  ]
}
