/** A flag of a verb, as the parser and the help know it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string
  /** What stands for its value in the help; undefined for a switch. */
  readonly value: string | undefined
  readonly description: string
}

/*
 * A command has one word or two (`checkpoints ls`); the first of two is a group, with a help of its own. To add one:
 *
 *   here          its name in VERBS, its flags in FLAGS
 *   help.ts       its lines in GENERAL and, for a new group, GROUPS; its USAGE and AFTER
 *   args.ts       its interface in Command, and a case of parseCommand that builds it (given.ts reads flags and arguments)
 *   command.ts    a case that performs it, in a file of its own
 *   README.md     its usage: a test compares the flags
 */

/** The commands, in the order of the help. */
export const VERBS = [
  'run',
  'plan',
  'check',
  'savepoint',
  'stop',
  'state ls',
  'state get',
  'state export',
  'state diff',
  'checkpoints ls',
  'checkpoints verify',
  'checkpoints gc',
] as const

export type Verb = (typeof VERBS)[number]

const PARALLELISM: Flag = {
  name: 'parallelism',
  value: 'N',
  description: "Worker threads. Default: the checkpoint's on a resume, else the number of cores.",
}

const PARAM: Flag = {
  name: 'param',
  value: 'NAME=VALUE',
  description: 'A parameter of the job; may be repeated, the last of one name wins.',
}

const DIR: Flag = {
  name: 'dir',
  value: 'DIR',
  description: 'State lives in DIR/<job name>; in S3 with s3://BUCKET/PREFIX. Default: .millrace',
}

const WORK: Flag = {
  name: 'work',
  value: 'DIR',
  description: 'With a --dir in S3: for working state on this machine. Default: .millrace/s3',
}

const JSON_LINES: Flag = {
  name: 'json',
  value: undefined,
  description: 'Write JSON lines to stdout, and nothing else.',
}

const ALLOW_REWIND: Flag = {
  name: 'allow-rewind',
  value: undefined,
  description: 'Go back behind a damaged checkpoint even if output is put out twice.',
}

const ALLOW_NON_RESTORED: Flag = {
  name: 'allow-non-restored-state',
  value: undefined,
  description: 'Drop state in the checkpoint that the job no longer has.',
}

const HELP: Flag = {
  name: 'help',
  value: undefined,
  description: "Show this help; with a job, the job's own parameters too.",
}

const UID: Flag = { name: 'uid', value: 'U', description: 'The operator.' }

const STATE: Flag = {
  name: 'state',
  value: 'S',
  description: 'The state, as "millrace state ls" names it.',
}

const HELP_ALONE: Flag = { ...HELP, description: 'Show this help.' }

/** Of commands to a job that runs. */
const OF_RUNNING: readonly Flag[] = [
  { ...DIR, description: 'The --dir that the job was started with. Default: .millrace' },
  { ...WORK, description: 'The --work that it was started with, if its --dir is in S3.' },
  { ...JSON_LINES, description: 'Write {"path": …} to stdout, and nothing else.' },
  HELP_ALONE,
]

/** The flags of each verb, in the order of the help. */
export const FLAGS: Readonly<Record<Verb, readonly Flag[]>> = {
  run: [
    PARALLELISM,
    PARAM,
    DIR,
    WORK,
    {
      name: 'checkpoint-interval',
      value: '10s',
      description: 'Time from one checkpoint to the next. Default: 10s',
    },
    {
      name: 'checkpoint-min-pause',
      value: '5s',
      description: 'Least time between two. Default: half of the interval',
    },
    {
      name: 'checkpoint-timeout',
      value: '10m',
      description: 'Give one up that takes longer. Default: 10m',
    },
    {
      name: 'tolerable-failures',
      value: 'N',
      description: 'Checkpoints in a row that may fail before the job restarts. Default: 2',
    },
    {
      name: 'retained-checkpoints',
      value: 'N',
      description: 'Newest checkpoints that are kept. Default: 3',
    },
    {
      name: 'buffer-timeout',
      value: '10ms',
      description: 'How long a record may wait for others to travel with. Default: 10ms',
    },
    {
      name: 'fresh',
      value: undefined,
      description: 'Start anew; the old state is moved aside, not deleted.',
    },
    {
      name: 'from',
      value: 'PATH',
      description:
        'Start from this checkpoint or savepoint; run again, go on with what that began.',
    },
    {
      name: 'claim',
      value: undefined,
      description: 'Take it over: it becomes a checkpoint of the job, and is removed like one.',
    },
    {
      name: 'output',
      value: 'replace|keep',
      description: 'What to do with output of another run in the way. Default: refuse to start',
    },
    {
      name: 'memory',
      value: 'SIZE',
      description: 'Memory for caches, channels and heaps together, such as 512mb or 2gb.',
    },
    {
      name: 'strict',
      value: undefined,
      description: 'Find functions that change records or state in place. Slow; for development.',
    },
    {
      name: 'drain',
      value: undefined,
      description:
        'On Ctrl-C end the input instead of stopping: windows fire, the job is finished.',
    },
    {
      name: 'stop-timeout',
      value: '10s',
      description: 'How long a stop may take before the threads are terminated. Default: 10s',
    },
    {
      name: 'no-progress',
      value: undefined,
      description: 'No live line; a plain line every few seconds instead.',
    },
    JSON_LINES,
    ALLOW_REWIND,
    {
      name: 'allow-grown-input',
      value: undefined,
      description: 'Go on with input files that have grown since the checkpoint.',
    },
    ALLOW_NON_RESTORED,
    {
      name: 'reset-watermarks',
      value: undefined,
      description: 'Let event time begin anew: what was late may be in time, windows fire again.',
    },
    HELP,
  ],
  plan: [
    {
      ...PARALLELISM,
      description: 'As if run with so many worker threads. Default: the number of cores.',
    },
    PARAM,
    { ...JSON_LINES, description: 'Write the plan as one JSON document.' },
    HELP,
  ],
  check: [
    {
      name: 'from',
      value: 'PATH',
      description: 'A checkpoint or savepoint. Default: what "millrace run" would go on from.',
    },
    {
      ...PARALLELISM,
      description: "As if run with so many worker threads. Default: the checkpoint's.",
    },
    PARAM,
    DIR,
    { ...JSON_LINES, description: 'Write what was found as one JSON line.' },
    ALLOW_REWIND,
    ALLOW_NON_RESTORED,
    HELP,
  ],
  savepoint: OF_RUNNING,
  stop: [
    {
      name: 'drain',
      value: undefined,
      description: 'End the input instead: windows fire, the job is finished.',
    },
    ...OF_RUNNING,
  ],
  'state ls': [{ ...JSON_LINES, description: 'Write one JSON document.' }, HELP_ALONE],
  'state get': [
    UID,
    STATE,
    {
      name: 'key',
      value: 'K',
      description: 'The key: 1 is a number, \'1\' a string, 1n a bigint, ["a",1] a tuple.',
    },
    {
      name: 'namespace',
      value: 'N',
      description: 'Only this namespace, written like a key. Default: all that the key has',
    },
    JSON_LINES,
    HELP_ALONE,
  ],
  'state export': [UID, STATE, HELP_ALONE],
  'state diff': [
    {
      name: 'keys',
      value: undefined,
      description: 'Show every entry that differs, not only how many.',
    },
    JSON_LINES,
    HELP_ALONE,
  ],
  'checkpoints ls': [
    { ...JSON_LINES, description: 'Write one JSON line a checkpoint.' },
    HELP_ALONE,
  ],
  'checkpoints verify': [
    { ...JSON_LINES, description: 'Write one JSON line a checkpoint.' },
    HELP_ALONE,
  ],
  'checkpoints gc': [
    {
      name: 'dry-run',
      value: undefined,
      description: 'Only show what would be removed.',
    },
    {
      name: 'take-over',
      value: undefined,
      description: 'In S3: take the job over first, which ends a run of it.',
    },
    { ...JSON_LINES, description: 'Write one JSON document.' },
    HELP_ALONE,
  ],
}
