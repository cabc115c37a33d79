import { type CheckpointSettings, checkpointSettings } from '../checkpoint/checkpoint-settings.ts'
import { isS3Url, parseS3Url } from '../aws/s3-url.ts'
import { parseDuration } from '../duration.ts'
import { StreamError } from '../errors.ts'
import { checkOptionNames } from '../option-names.ts'
import type { OutputPolicy } from '../sink.ts'
import type { RunJobOptions } from './job-events.ts'
import { DEFAULT_MAX_PARALLELISM } from './job-module.ts'
import { defaultMemory, parseMemory } from './memory.ts'

/** Options of a run with their defaults, checked. */
export interface RunSettings {
  /** Undefined: the checkpoint's on a resume, else the number of cores (N22). */
  readonly parallelism: number | undefined
  readonly dir: string
  /** For the working state, where `dir` is in S3. */
  readonly work: string | undefined
  readonly checkpoints: CheckpointSettings
  /** How long a record may wait in a batch. */
  readonly bufferTimeoutMs: number
  readonly params: Readonly<Record<string, unknown>>
  readonly fresh: boolean
  readonly from: string | undefined
  readonly claim: boolean
  readonly output: OutputPolicy
  readonly memoryBytes: number
  readonly strict: boolean
  readonly drain: boolean
  readonly stopTimeoutMs: number
  readonly allowRewind: boolean
  readonly allowGrownInput: boolean
  readonly allowNonRestoredState: boolean
  readonly resetWatermarks: boolean
  readonly progressIntervalMs: number
}

/** What each option must be; a name that is not here is unknown. */
const TYPES: Readonly<Record<keyof RunJobOptions, readonly string[]>> = {
  parallelism: ['number'],
  dir: ['string'],
  work: ['string'],
  checkpointInterval: ['number', 'string'],
  checkpointMinPause: ['number', 'string'],
  checkpointTimeout: ['number', 'string'],
  tolerableFailures: ['number'],
  retainedCheckpoints: ['number'],
  bufferTimeout: ['number', 'string'],
  params: ['object'],
  fresh: ['boolean'],
  from: ['string'],
  claim: ['boolean'],
  output: ['string'],
  memory: ['number', 'string'],
  strict: ['boolean'],
  drain: ['boolean'],
  stopTimeout: ['number', 'string'],
  allowRewind: ['boolean'],
  allowGrownInput: ['boolean'],
  allowNonRestoredState: ['boolean'],
  resetWatermarks: ['boolean'],
  signal: ['object'],
  onEvent: ['function'],
  print: ['function'],
  progressInterval: ['number'],
}

const NAMES = Object.fromEntries(Object.keys(TYPES).map((name) => [name, true as const]))

/** Checks the options of a run and fills in the defaults; `MR_OPTION_INVALID` names what is wrong. */
export function resolveRunOptions(options: RunJobOptions): RunSettings {
  checkOptionNames(options, NAMES, 'runJob()')
  for (const [name, value] of Object.entries(options)) {
    checkType(name as keyof RunJobOptions, value)
  }
  const {
    parallelism,
    fresh = false,
    from,
    claim = false,
    output,
    dir = '.millrace',
    work,
    progressInterval = 1_000,
  } = options
  checkPlaces({ dir, work, from })
  if (parallelism !== undefined) checkParallelism(parallelism)
  if (fresh && from !== undefined) {
    throw invalid('fresh and from', 'are both set', 'start anew or from a snapshot, not both')
  }
  if (claim && from === undefined) {
    throw invalid('claim', 'is set without from', 'say which snapshot the job is to take over')
  }
  if (output !== undefined && output !== 'replace' && output !== 'keep') {
    throw invalid('output', `is ${JSON.stringify(output)}`, 'use "replace" or "keep"')
  }
  if (!(progressInterval >= 0)) {
    throw invalid('progressInterval', `is ${progressInterval}`, 'use milliseconds, 0 for none')
  }
  return {
    parallelism,
    dir,
    work,
    checkpoints: resolveCheckpoints(options),
    bufferTimeoutMs: resolveBufferTimeout(options.bufferTimeout ?? '10ms'),
    params: options.params ?? {},
    fresh,
    from,
    claim,
    output: output ?? 'refuse',
    memoryBytes: options.memory === undefined ? defaultMemory() : parseMemory(options.memory),
    strict: options.strict ?? false,
    drain: options.drain ?? false,
    stopTimeoutMs: parseDuration(options.stopTimeout ?? '10s', 'stopTimeout'),
    allowRewind: options.allowRewind ?? false,
    allowGrownInput: options.allowGrownInput ?? false,
    allowNonRestoredState: options.allowNonRestoredState ?? false,
    resetWatermarks: options.resetWatermarks ?? false,
    progressIntervalMs: progressInterval,
  }
}

function resolveCheckpoints(options: RunJobOptions): CheckpointSettings {
  const positive = (name: 'checkpointInterval' | 'checkpointTimeout', given: number | string) => {
    const ms = parseDuration(given, name)
    if (ms === 0) throw invalid(name, 'is 0', 'use a duration above zero, such as "10s"')
    return ms
  }
  const {
    checkpointInterval = '10s',
    checkpointMinPause: pause,
    checkpointTimeout: timeout,
    tolerableFailures,
    retainedCheckpoints: retained,
  } = options
  checkCount('tolerableFailures', tolerableFailures, 0)
  checkCount('retainedCheckpoints', retained, 1)
  return checkpointSettings(positive('checkpointInterval', checkpointInterval), {
    ...(pause === undefined ? {} : { minPauseMs: parseDuration(pause, 'checkpointMinPause') }),
    ...(timeout === undefined ? {} : { timeoutMs: positive('checkpointTimeout', timeout) }),
    ...(tolerableFailures === undefined ? {} : { tolerableFailures }),
    ...(retained === undefined ? {} : { retained }),
  })
}

function resolveBufferTimeout(given: number | string): number {
  const ms = parseDuration(given, 'bufferTimeout')
  if (ms >= 1) return ms
  throw invalid('bufferTimeout', `is ${given}`, 'use a duration of at least a millisecond')
}

function checkCount(name: keyof RunJobOptions, count: number | undefined, least: number): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= least)) return
  throw invalid(name, `is ${count}`, `use a whole number of at least ${least}`)
}

function checkPlaces(options: {
  readonly dir: string
  readonly work: string | undefined
  readonly from: string | undefined
}): void {
  const { dir, work, from } = options
  const isInS3 = isS3Url(dir)
  if (isInS3) parseS3Url(dir, 'Option dir', 'MR_OPTION_INVALID')
  if (from !== undefined && isS3Url(from)) parseS3Url(from, 'Option from', 'MR_OPTION_INVALID')
  if (work !== undefined && (!isInS3 || isS3Url(work))) {
    const what = isInS3
      ? `is ${work}`
      : `is set, but dir is the folder ${dir}, which has the working state too`
    throw invalid('work', what, 'give a folder on this machine, beside a dir in S3')
  }
}

function checkType(name: keyof RunJobOptions, value: unknown): void {
  if (value === undefined) return
  const types = TYPES[name]
  if (types.includes(typeof value) && value !== null) return
  const found = value === null ? 'null' : `a value of type ${typeof value}`
  throw invalid(name, `is ${found}`, `give a value of type ${types.join(' or ')}`)
}

function checkParallelism(parallelism: number): void {
  const isValid =
    Number.isInteger(parallelism) && parallelism >= 1 && parallelism <= DEFAULT_MAX_PARALLELISM
  if (isValid) return
  throw invalid(
    'parallelism',
    `is ${parallelism}`,
    `use a whole number from 1 to ${DEFAULT_MAX_PARALLELISM}`,
  )
}

function invalid(name: string, what: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_OPTION_INVALID',
    `Option ${name} ${what}, so the run cannot start; ${wayOut}.`,
    { option: name },
  )
}
