/**
 * Every error code with its meaning in one line; `docs/errors.md` is made from it (a test compares the two).
 *
 * Sorted. Codes are stable: callers match them, messages may improve.
 */
export const ERROR_CODES = {
  MR_AGGREGATE_INVALID:
    'A value to be added up or compared is missing, NaN, or of another type than those before it.',
  MR_ASYNC_TIMEOUT: 'An asynchronous function did not answer in time.',
  MR_AWS_CLOCK: 'The clock of this machine is too far off for requests to AWS.',
  MR_AWS_CONDITIONS:
    'A store for the state of jobs does not look at the conditions of writes, so two runs could not be kept apart.',
  MR_AWS_CREDENTIALS: 'No credentials for AWS were found.',
  MR_AWS_FAILED: 'A service of AWS answered with an error that ends the attempt.',
  MR_AWS_MISSING: 'A stream, bucket, delivery stream or table of AWS does not exist.',
  MR_AWS_RECORD_TOO_LARGE: 'A record is larger than a stream or delivery stream of AWS takes.',
  MR_AWS_REFUSED: 'A service of AWS does not allow these credentials to do that.',
  MR_AWS_REGION: 'No region of AWS is known, or what is asked for is in another one.',
  MR_AWS_UNAVAILABLE: 'A service of AWS did not do what was asked for so long as it was tried.',
  MR_BAD_RECORD:
    'A record of the input does not fit the format: wrong columns, or a value that does not convert.',
  MR_CHECKPOINT_CORRUPT: 'A file of a checkpoint is missing, too short, or its checksum is wrong.',
  MR_CHECKPOINT_FAILED: 'A checkpoint could not be written; its changes go into the next one.',
  MR_CHECKPOINT_NOT_FOUND: 'The path that was given holds no checkpoint.',
  MR_CHECKPOINT_OTHER_JOB: 'The checkpoint belongs to another job.',
  MR_CHECKPOINT_PARTLY_FINISHED:
    'A checkpoint was given up, as an operator with a union list had finished in some subtasks only.',
  MR_CHECKPOINT_TIMEOUT:
    'A checkpoint was not acknowledged by all subtasks in time; it is aborted.',
  MR_CHECKPOINT_UNUSABLE: 'None of the checkpoints of the job can be restored.',
  MR_CHECKPOINT_VERSION: 'A checkpoint was written in a layout that this version does not read.',
  MR_COMMAND_LOST: 'A running job ended, or went away, before it had answered a command.',
  MR_DEPENDENCY_MISSING: 'A package that is needed for this is not installed.',
  MR_DEPLOY_TIMEOUT: 'A worker thread did not report in time after it was started.',
  MR_DIRECTORY_LOCKED: 'Another run of the same job is using its state directory.',
  MR_DIRECTORY_UNUSABLE: 'The state directory cannot be created, read or written.',
  MR_DURATION_INVALID: 'A duration is neither milliseconds nor a number with a unit.',
  MR_FALLBACK_REFUSED:
    'The newest checkpoint is damaged, and going back to an older one would put output out twice.',
  MR_FORMAT_INVALID: 'The options of a format contradict each other or name something unknown.',
  MR_FUNCTION_ASYNC: 'A function returned a promise where a plain value is expected.',
  MR_FUNCTION_FAILED: 'A function of the job threw.',
  MR_GRAPH_DIFFERS: 'The threads of one run built different graphs.',
  MR_GRAPH_INVALID:
    'The graph of a job cannot run: it has no source, no sink, or contradicts itself.',
  MR_HANDLER_UNSUPPORTED:
    'A job has parts that a Lambda function cannot run: state, keys, or exactly-once sinks.',
  MR_IDENTITY_CHANGED:
    'A source or sink has another input or output than the checkpoint was taken with.',
  MR_INPUT_CHANGED: 'An input file is not the one that the checkpoint was taken of.',
  MR_INPUT_EMPTY: 'An input matched no file, or a file is empty where a header is expected.',
  MR_INPUT_MISSING: 'An input file or folder does not exist.',
  MR_INPUT_TRUNCATED: 'A compressed input file ends in the middle or is damaged.',
  MR_INPUT_UNREADABLE: 'An input file exists but cannot be read.',
  MR_INTERNAL: 'An invariant of millrace itself is broken.',
  MR_JOB_CHANGED: 'The job file was changed while the job was running.',
  MR_JOB_EXITED: 'The job module ended its thread while it was imported.',
  MR_JOB_FAILED_TO_LOAD: 'The job module threw while it was imported or while its graph was built.',
  MR_JOB_FENCED: 'Another run of the job has taken it over, so this one has ended.',
  MR_JOB_INVALID: 'The job module has no job as its default export.',
  MR_JOB_MISSING: 'The job file does not exist.',
  MR_JOB_NOT_RUNNING: 'No run of the job is there that could be told to do something.',
  MR_JOB_STOPPING: 'The job is being stopped already, so it cannot be told to do that.',
  MR_JOB_TIMEOUT: 'The job module did not finish being imported in time.',
  MR_KAFKA_FAILED: 'A Kafka broker answered with an error that ends the attempt.',
  MR_KAFKA_FENCED:
    'Another producer has taken over a transactional id of a Kafka sink: a newer run, or another job.',
  MR_KAFKA_MARKER_LOST:
    'Whether records of the checkpoint are in a Kafka topic already cannot be told, as the marker that says it is gone.',
  MR_KAFKA_OFFSET_GONE:
    'The offset to go on from is not in the partition of a Kafka topic (any more).',
  MR_KAFKA_OFFSET_MISSING:
    'A group whose offsets a Kafka source is to start from has committed none.',
  MR_KAFKA_RECORD_TOO_LARGE: 'A record is larger than its Kafka topic takes.',
  MR_KAFKA_REFUSED:
    'Kafka brokers refused the user or what it may not do, or their certificate is not trusted.',
  MR_KAFKA_TOPIC_MISSING: 'A Kafka topic does not exist, or was deleted.',
  MR_KAFKA_TRANSACTION_TIMEOUT:
    'A Kafka transaction took longer than its timeout, or its timeout is longer than the brokers allow.',
  MR_KAFKA_UNAVAILABLE: 'No Kafka broker did what was asked for so long as it was tried.',
  MR_KEY_INVALID:
    'A key selector returned, or map state was given, something that cannot be a key.',
  MR_KEY_MISSING: 'State or timers of a key were used in a function over records without a key.',
  MR_KEY_UNSTABLE: 'A key selector returned another key for the same record the second time.',
  MR_KINESIS_KEY_INVALID: 'A function returned something that is no key of a record of Kinesis.',
  MR_KINESIS_POSITION_GONE:
    'The record to go on behind is not in the shard of a Kinesis stream (any more).',
  MR_LAMBDA_FAILED: 'A function of AWS Lambda threw, or answered something that cannot be used.',
  MR_LAMBDA_RECORD_FAILED: 'A function of AWS Lambda could not do a record.',
  MR_MAX_PARALLELISM_CHANGED: 'The maximum parallelism is not the one of the checkpoint.',
  MR_NAME_INVALID: 'The name of a job, uid or state cannot be used.',
  MR_NOT_IN_CONTEXT:
    'A function used state, timers or a key that functions of its kind do not have.',
  MR_OPTION_INVALID:
    'An option of a run or of an API call is unknown, contradictory or out of range.',
  MR_OUTPUT_CONFLICT: 'Output of another run is in the way.',
  MR_OUTPUT_FAILED: 'Output could not be written.',
  MR_PARAMETER_INVALID: 'A parameter of the job is unknown, missing or of the wrong type.',
  MR_PARTITION_INVALID:
    'A custom partitioner returned something that is no index of a subtask, or no partition of a topic.',
  MR_REGISTRY_DENIED: 'A schema registry refused the credentials.',
  MR_REGISTRY_FAILED: 'A schema registry refused a request, or what answered is none.',
  MR_REGISTRY_UNREACHABLE: 'A schema registry could not be reached within a number of tries.',
  MR_REPEATED_FAILURE:
    'The same failure came back three times without a completed checkpoint between.',
  MR_SAVEPOINT_FAILED:
    'A savepoint could not be taken or written; there is none, and the job goes on.',
  MR_SAVEPOINT_TARGET: 'The path given for a savepoint is in use, or cannot be written to.',
  MR_SCHEMA_INCOMPATIBLE: 'A schema registry does not take a schema beside its earlier versions.',
  MR_SCHEMA_NOT_FOUND: 'A schema registry does not have the schema that is to be written with.',
  MR_SINK_INVALID: 'The options of a sink contradict each other or name something unknown.',
  MR_SOURCE_ABORTED: 'An abort marker in the input of a test ended the attempt.',
  MR_SOURCE_INVALID: 'The options of a source contradict each other or name something unknown.',
  MR_STATE_CLOSED: 'State was used after its backend had been closed.',
  MR_STATE_FAILED: 'The working copy of the state could not be read or written.',
  MR_STATE_INCOMPATIBLE: 'A state was written with another kind or version than the job declares.',
  MR_STATE_MUTATED:
    'A value from state or a record was changed in place without being stored again.',
  MR_STATE_NOT_DIVISIBLE:
    'An operator with another number of subtasks than in the checkpoint keeps in each what cannot be divided.',
  MR_STATE_NOT_FOUND: 'A snapshot has no operator, state or key of that name.',
  MR_STATE_NOT_RESTORED: 'The checkpoint holds state that the job does not have.',
  MR_STATE_OUTSIDE_CALLBACK:
    'State, timers, context or collector were used outside their callback.',
  MR_STATE_READ_ONLY: 'Broadcast state was written where it may only be read.',
  MR_STATE_UPCAST_FAILED:
    'An upcast of a state threw, or returned something that cannot be stored.',
  MR_STATE_UPCAST_MISSING:
    'The checkpoint may hold values of a version that the job has no upcast from.',
  MR_STOP_TIMEOUT: 'A stop did not finish in time; the threads were terminated.',
  MR_TABLE_MISMATCH:
    'The table over the objects of a sink has other partitions than the sink, or another place.',
  MR_TEST_ENDLESS: 'A job under test did not end within its number of steps.',
  MR_TEST_INVALID: 'The test kit was asked for something that it cannot do, or that means nothing.',
  MR_TIMER_INVALID: 'A timer was registered for something that is not a timestamp.',
  MR_TIMESTAMP_INVALID:
    'A record has no timestamp where it needs one, or one that is no whole number of milliseconds.',
  MR_UID_DUPLICATE: 'Two operators have the same uid.',
  MR_UID_MISSING: 'A source, sink or operator with state has no uid.',
  MR_VALUE_UNSUPPORTED: 'A value cannot be stored or sent: its type is not in the type table.',
  MR_WATERMARK_INVALID: 'A watermark generator returned something that is not a watermark.',
  MR_WINDOW_INVALID: 'An assigner, trigger or evictor of windows gave something that cannot be.',
  MR_WORKER_EXITED: 'A worker thread ended without having been asked to.',
  MR_WORKER_OUT_OF_MEMORY: 'A worker thread reached its heap limit.',
  MR_WORKER_STUCK: 'A worker thread could not be ended, so no new attempt can start beside it.',
} as const

/** A stable error code, `MR_…`. */
export type ErrorCode = keyof typeof ERROR_CODES
