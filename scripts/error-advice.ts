import type { ErrorCode } from '../runtime/error-codes.ts'

/** What to do about an error, for the page of codes; the message itself says it with the names of the case. */
export interface AdviceSection {
  readonly title: string
  readonly advice: Readonly<Partial<Record<ErrorCode, string>>>
}

/** Every code once, where a reader looks for it. */
export const ADVICE: readonly AdviceSection[] = [
  {
    title: 'The job module',
    advice: {
      MR_JOB_MISSING: 'Give the path of the job file.',
      MR_JOB_INVALID: 'Export what `job(…)` returns: `export default job(…)`.',
      MR_JOB_FAILED_TO_LOAD:
        'Mend what the message quotes. With "Cannot use import statement outside a module" set `"type": "module"` in package.json, or name the file `.mts`.',
      MR_JOB_EXITED: 'Take the call of `process.exit` out of the module.',
      MR_JOB_TIMEOUT:
        'Look for an endless loop, or an `await` that never ends, outside of functions.',
      MR_JOB_CHANGED:
        'Run the same command again: it goes on with the changed job. Only a restart within a run insists on the same files.',
      MR_DEPENDENCY_MISSING:
        'Install the package that the message names, where the job file is; for a format or connector, the message names what does without it, too.',
      MR_GRAPH_INVALID:
        'Mend the graph as the message says; all that is wrong with it is told at once.',
      MR_GRAPH_DIFFERS:
        'Build the graph from the parameters only: not from time, chance, files or what differs between threads.',
      MR_UID_MISSING: 'Give each source, sink and operator with state a `uid`.',
      MR_UID_DUPLICATE: 'Give one of the two another `uid`; upper and lower case are the same.',
      MR_NAME_INVALID:
        'Use 1 to 100 letters, digits, `.`, `_` and `-`, beginning with a letter or digit.',
    },
  },
  {
    title: 'Options and parameters',
    advice: {
      MR_OPTION_INVALID: 'See `millrace run --help`, or the type of the options.',
      MR_PARAMETER_INVALID:
        'See `millrace run JOB.ts --help`, which lists the parameters of the job.',
      MR_DURATION_INVALID: 'Write milliseconds, or a number with ms, s, m, h or d: `10s`.',
      MR_FORMAT_INVALID: 'Correct the option of the format that the message names.',
      MR_SOURCE_INVALID: 'Correct the option of the source that the message names.',
      MR_SINK_INVALID: 'Correct the option of the sink that the message names.',
    },
  },
  {
    title: 'Functions and values',
    advice: {
      MR_FUNCTION_FAILED:
        'Mend the function for the record that the message shows, or set `onError` where the operator has no state. A failure that may pass is thrown as a `RestartableError`.',
      MR_FUNCTION_ASYNC:
        'Return the value itself, or use `asyncMap`, `orderedWait` or `unorderedWait`: all other functions of a job are synchronous, only `open` and `close` may wait.',
      MR_ASYNC_TIMEOUT:
        'Raise the `timeout`, let the function try again (`retry`), or give it a `timeout` method that says what to emit instead. Pass `ctx.signal` on, so that calls end when nobody waits any more.',
      MR_PARTITION_INVALID:
        'Return a whole number from 0 to the number of partitions less one, the second argument of the function.',
      MR_KEY_MISSING:
        'Put `keyBy(…)` before the operator, and make its function with `processFunction` or its like.',
      MR_NOT_IN_CONTEXT:
        'Use what the message names: windows, joins and asynchronous functions have states of other names, or none.',
      MR_KEY_UNSTABLE:
        'Make the key from the fields of the record alone: no clock, random number, counter or variable outside.',
      MR_KEY_INVALID: 'Return a string, number (not NaN), bigint, bytes, or a tuple of these.',
      MR_VALUE_UNSUPPORTED:
        'Make the field that the message names plain data: no class instance, function, symbol or promise.',
      MR_AGGREGATE_INVALID:
        'Give all records numbers, bigints or strings of one type; filter out those without before.',
      MR_TIMESTAMP_INVALID:
        'Give whole milliseconds since the epoch: a time in seconds times 1,000, a `Date` by its `getTime()`. Where there is none, give the source a strategy (`watermarks`), or put `assignTimestampsAndWatermarks` before the `keyBy`.',
      MR_WATERMARK_INVALID:
        'Return whole milliseconds since the epoch, or nothing (-Infinity) where there is none.',
      MR_WINDOW_INVALID:
        'Mend the assigner, trigger or evictor as the message says; the built-in ones never do this.',
      MR_TIMER_INVALID: 'Register whole milliseconds since the epoch.',
      MR_STATE_MUTATED:
        'Store the value again in the same callback (`update`, `put`), or change a copy. Found by `--strict` and the test kit.',
      MR_STATE_OUTSIDE_CALLBACK:
        'Use state, timers, context and collector only until the callback returns: not in a promise, a timeout or another record.',
      MR_STATE_READ_ONLY:
        'Write broadcast state in `processBroadcastElement` only; keep what belongs to a key in keyed state.',
      MR_STATE_CLOSED:
        'Use state only while the job runs; look for work that outlives its callback.',
    },
  },
  {
    title: 'Input',
    advice: {
      MR_INPUT_MISSING: 'Correct the path; relative ones are relative to the working directory.',
      MR_INPUT_EMPTY: 'Correct the path or the glob, or take the empty file away.',
      MR_INPUT_UNREADABLE: 'Look at the permissions of the file and the state of the disk.',
      MR_INPUT_TRUNCATED: 'Get the file again: it ends in the middle.',
      MR_INPUT_CHANGED:
        'Put the file back that was read before, or start over with `--fresh`. A plain file that has only grown is accepted with `--allow-grown-input`.',
      MR_BAD_RECORD:
        "Correct the line that the message names, or the columns; `onError: 'skip'` leaves such records out, an output tag puts them aside.",
    },
  },
  {
    title: 'Kafka',
    advice: {
      MR_KAFKA_UNAVAILABLE:
        'Look whether the addresses are right and the cluster is up; a listener with TLS or SASL closes connections that come without. `retryTimeout` says how long to try. The restart strategy goes on trying.',
      MR_KAFKA_REFUSED:
        'Correct `tls` or `sasl`, or give the user the rights: read on topics and groups, write on topics and transactional ids.',
      MR_KAFKA_TOPIC_MISSING:
        'Create the topic, or correct its name; a user without the right to describe it does not see it.',
      MR_KAFKA_OFFSET_GONE:
        'Set `whenOffsetGone` to `earliest` or `latest`, knowing that records are missed or read twice; keep topics for longer than a job may be down.',
      MR_KAFKA_OFFSET_MISSING: 'Set `otherwise` of `start`, or correct the name of the group.',
      MR_KAFKA_RECORD_TOO_LARGE:
        'Raise `max.message.bytes` of the topic, set `compression`, or make the record smaller.',
      MR_KAFKA_FENCED:
        'End the other run of the job, or of a copy of its state directory; give another job a `transactionalIdPrefix` of its own.',
      MR_KAFKA_MARKER_LOST:
        'Look into the topic whether the records of the last checkpoint are there, and run once with `whenMarkerLost` `skip` (they are) or `replay` (they are not).',
      MR_KAFKA_TRANSACTION_TIMEOUT:
        'Bring `transactionTimeout` within `transaction.max.timeout.ms` of the brokers; where a transaction was too slow, raise it, or take checkpoints more often. The same command goes on.',
      MR_KAFKA_FAILED: 'Look up the error that the message quotes, and the logs of the brokers.',
    },
  },
  {
    title: 'AWS',
    advice: {
      MR_AWS_CREDENTIALS:
        'Set `credentials`, or what the SDK looks for: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, a profile, a web identity, or the role of the container or machine.',
      MR_AWS_REGION:
        'Set `region` to that of the stream or bucket; the message names it where the service tells.',
      MR_AWS_REFUSED:
        'Look who asks with `aws sts get-caller-identity`, and give that user or role the rights which the message names.',
      MR_AWS_MISSING:
        'Create the stream, bucket or table, or correct its name, `region` and `endpoint`: another region has other ones.',
      MR_AWS_CLOCK:
        'Set the clock of the machine right; a time service such as chrony keeps it so.',
      MR_AWS_UNAVAILABLE:
        'Look at the address, the network and the health of the service; where it throttles, raise its limits. `retryTimeout` says how long to try. The restart strategy goes on trying.',
      MR_AWS_RECORD_TOO_LARGE:
        'Make the record smaller; for Kinesis the limit of the stream can be raised, and `maxRecordBytes` with it.',
      MR_KINESIS_KEY_INVALID:
        'Return a text of 1 to 256 characters as partition key, and decimal digits as explicit hash key.',
      MR_AWS_CONDITIONS:
        'Keep the state in S3, in a store that looks at `If-None-Match` and `If-Match` of `PutObject`, or on a disk: without these two runs of a job would not notice each other.',
      MR_LAMBDA_FAILED:
        'Look into the log of the function; set `retry` of the operator where another try helps. Its answer has each `recordId` of the call once.',
      MR_LAMBDA_RECORD_FAILED:
        "Mend the function for the record that the message shows, or set `onFailed: 'skip'`.",
      MR_AWS_FAILED: 'Look up the error that the message quotes in the reference of the service.',
      MR_HANDLER_UNSUPPORTED:
        'Leave state, keys and exactly-once sinks to a job that `millrace run` runs, reading what the function writes; the message names all that is in the way.',
      MR_KINESIS_POSITION_GONE:
        'Set `whenPositionGone` to `earliest`, knowing that records are missed; let the stream keep its records for longer than a job may be down.',
    },
  },
  {
    title: 'Schema registries',
    advice: {
      MR_REGISTRY_UNREACHABLE:
        'Look at `url` of `schemaRegistry(…)`, and whether the registry runs; the job is restarted and tries again.',
      MR_REGISTRY_DENIED:
        'Give `auth` of `schemaRegistry(…)` credentials that may do what the message says.',
      MR_REGISTRY_FAILED: 'Mend what the message quotes, or `url` of `schemaRegistry(…)`.',
      MR_SCHEMA_NOT_FOUND:
        'Register the schema under the subject that the message names, or set `autoRegister: true`.',
      MR_SCHEMA_INCOMPATIBLE:
        'Change the schema so that it fits its earlier versions (a new field needs a default), or the compatibility level of the subject.',
    },
  },
  {
    title: 'Output',
    advice: {
      MR_OUTPUT_CONFLICT:
        'Give another directory, or `--output replace` (removes the files that are in the way, no others) or `--output keep`. For Kafka: another topic, a `transactionalIdPrefix` of the job’s own, or `--output keep`.',
      MR_OUTPUT_FAILED:
        'Look at the disk: space, permissions, a file that something else took away. The same command goes on.',
      MR_TABLE_MISMATCH:
        'Give `partitions` the names and the order of those of the table, and both the same place; or create another table for this sink.',
    },
  },
  {
    title: 'Going on from a checkpoint',
    advice: {
      MR_CHECKPOINT_NOT_FOUND:
        'Give the folder of a checkpoint (`…/chk-12`) or its `manifest.json`; every run tells the path of its last one.',
      MR_CHECKPOINT_OTHER_JOB:
        "Give `--from` a checkpoint of this job; a job's name is part of its checkpoints.",
      MR_CHECKPOINT_VERSION:
        'Run the version of millrace that wrote the checkpoint, or start over with `--fresh`.',
      MR_CHECKPOINT_CORRUPT:
        'An older checkpoint is used by itself where that doubles no output. Otherwise restore the named file from a copy.',
      MR_CHECKPOINT_UNUSABLE:
        'Restore the files from a copy, start from another checkpoint with `--from`, or start over with `--fresh`.',
      MR_FALLBACK_REFUSED:
        'Restore the named file from a copy, or accept what the message lists as put out twice with `--allow-rewind`.',
      MR_IDENTITY_CHANGED: 'Give the same input and output again, or start over with `--fresh`.',
      MR_MAX_PARALLELISM_CHANGED:
        'Set it back, write a savepoint with another one (`writeSavepoint` of `millrace/state`), or start over with `--fresh`.',
      MR_STATE_NOT_FOUND:
        'The message lists what there is; `millrace state ls` shows it too. `1` is a number, `"1"` a string, `1n` a bigint.',
      MR_STATE_NOT_DIVISIBLE:
        'Give the operator a `parallelism` of its own: that of the checkpoint. Operators of millrace all go on at any parallelism.',
      MR_STATE_NOT_RESTORED:
        'Set the uid or the name of the state back, name the new uid in `renamedUids` of the job, or drop the state with `--allow-non-restored-state`.',
      MR_STATE_UPCAST_MISSING:
        'Declare the upcast from that version again, and keep it as long as values of it may be stored: what nobody has used since stays as it was.',
      MR_STATE_UPCAST_FAILED:
        'Mend the upcast for the value that the message shows the key of, then run the same command again: the checkpoint has all values as they were.',
      MR_STATE_INCOMPATIBLE:
        'Set the declaration back, use another name for the state, or start over with `--fresh`.',
    },
  },
  {
    title: 'Checkpoints and state on the disk',
    advice: {
      MR_CHECKPOINT_FAILED:
        'Look at the disk: space, permissions. The checkpoint before stays good; three failures in a row end the attempt.',
      MR_CHECKPOINT_PARTLY_FINISHED:
        'Put `rebalance()` or `keyBy(…)` before the operator that the message names, so that all its subtasks finish together.',
      MR_CHECKPOINT_TIMEOUT:
        'Look for an operator or sink that is slow: the message names the subtasks that had not answered.',
      MR_SAVEPOINT_FAILED:
        'Look at what the message quotes; the job goes on as before, so take the savepoint again. A folder without `manifest.json` is no savepoint.',
      MR_SAVEPOINT_TARGET:
        'Give a new or empty folder outside of the state directory, or none: then millrace finds one.',
      MR_DIRECTORY_LOCKED: 'Wait for the other run, stop it, or give this one another `--dir`.',
      MR_DIRECTORY_UNUSABLE:
        'Give a `--dir` that can be written, or look at its permissions and the space of the disk.',
      MR_STATE_FAILED:
        'The state is rebuilt from the last checkpoint. Look at the disk if it comes back.',
    },
  },
  {
    title: 'Threads, stops and restarts',
    advice: {
      MR_JOB_NOT_RUNNING:
        'Start the job, or give the `--dir` that it was started with; a job that has ended can be started from any of its checkpoints.',
      MR_JOB_FENCED:
        'Nothing is to be mended in this run: the other one goes on from its last checkpoint. See that the job is started in one place only.',
      MR_JOB_STOPPING: 'Wait for the job to end.',
      MR_COMMAND_LOST: 'Look why the run ended; run the job again, and repeat the command.',
      MR_REPEATED_FAILURE: 'Mend the cause that the message quotes, then run the same command.',
      MR_DEPLOY_TIMEOUT:
        'Look for code at the top of the job module that blocks; or the machine has more to do than it can.',
      MR_WORKER_EXITED: 'Take `process.exit` and the like out of the functions of the job.',
      MR_WORKER_OUT_OF_MEMORY:
        'Give more with `--memory`, or clear state that is not needed any more.',
      MR_WORKER_STUCK:
        'End the process and run the same command again; look for native code or a disk that does not answer.',
      MR_STOP_TIMEOUT:
        'Run the same command: it goes on from the last checkpoint. A longer `--stop-timeout` waits longer.',
      MR_INTERNAL: 'Report it with the stack; the same command goes on from the last checkpoint.',
    },
  },
  {
    title: 'Tests',
    advice: {
      MR_TEST_INVALID: 'The message names the verb, what was wrong, and the way out.',
      MR_TEST_ENDLESS:
        'Give the job bounded sources or `inputs`; test long spans of processing time with `operatorHarness`; raise `maxSteps` where the job is merely long.',
      MR_SOURCE_ABORTED:
        'Nothing: this is what `ABORT` among the values of a `collectionSource` is for.',
    },
  },
]
