import type { Clock } from '../../runtime/clock.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { LineagePoint, PrepareOutputContext } from '../../runtime/sink.ts'
import { parseIdentity } from './commit-plan.ts'
import type { CheckedConnection } from './connection.ts'
import { rootCause } from './kafka-errors.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import { transactionTimeoutRefused } from './kafka-sink-errors.ts'
import { retrying } from './retrying.ts'
import type { KafkaCommittable } from './kafka-committable.ts'

/** The output of a sink, from `kafkaSink()`. */
export interface SinkOutput {
  readonly connection: CheckedConnection
  readonly topic: string
  readonly markerTopic: string
  readonly transactionTimeoutMs: number
  /** What transactional ids of an operator begin with. */
  readonly prefixOf: (uid: string) => string
}

/** Who asks the brokers about the output of a sink. */
export interface OutputCheck {
  readonly client: KafkaSinkClient
  readonly clock: Clock
  readonly context: PrepareOutputContext
}

/** A transactional id that has been used, with what its marker says. */
interface UsedId {
  readonly transactionalId: string
  /** Undefined where the marker is gone. */
  readonly marker: string | undefined
}

/** Whether what a marker names belongs to the history that a run continues, up to where it continues it (R2). Pure. */
export function isContinued(
  marker: string,
  { current, ancestry }: Pick<PrepareOutputContext, 'current' | 'ancestry'>,
): boolean {
  const found = parseIdentity(marker)
  if (found === undefined) return false
  // The first marker of an id stands for no records.
  if (found.checkpointId === 0) return true
  const points: readonly LineagePoint[] = [current, ...ancestry]
  const point = points.find(({ lineage }) => lineage === found.lineage)
  return point !== undefined && found.checkpointId <= point.checkpointId
}

/** Fails where the topic is missing, or holds output that this run does not continue (R2); changes nothing. */
export async function checkTransactionalOutput(
  check: OutputCheck,
  output: SinkOutput,
): Promise<void> {
  const { context } = check
  await checkTopicThere(check, output)
  const ids = await usedIds(check, output)
  const conflicts = ids.filter(
    ({ marker }) => marker !== undefined && !isContinued(marker, context),
  )
  if (conflicts.length === 0) return
  if (context.policy !== 'keep') throw outputConflict(context, output.topic, conflicts)
  const [{ transactionalId, marker }] = conflicts as [UsedId]
  context.log(
    `The topic "${output.topic}" holds records that this run does not continue ("${transactionalId}" has committed ${marker}); they stay.`,
  )
}

/** As `checkTransactionalOutput`, then shuts out whoever still uses an id of this output, and checks what transactions need. */
export async function prepareTransactionalOutput(
  check: OutputCheck,
  output: SinkOutput,
): Promise<void> {
  const { client, context } = check
  const { markerTopic, transactionTimeoutMs, prefixOf } = output
  await asking(check, output, `make the marker topic "${markerTopic}"`, () =>
    client.ensureMarkerTopic(markerTopic),
  )
  await checkTransactionalOutput(check, output)
  const used = (await usedIds(check, output)).map(({ transactionalId }) => transactionalId)
  const first = `${prefixOf(context.uid)}-0`
  for (const transactionalId of new Set([first, ...used])) {
    await asking(check, output, `take over the transactional id "${transactionalId}"`, async () => {
      try {
        await client.initProducer(transactionalId, transactionTimeoutMs)
      } catch (error) {
        if (rootCause(error).type !== 'INVALID_TRANSACTION_TIMEOUT') throw error
        const max = await client.maxTransactionTimeoutMs()
        throw transactionTimeoutRefused(context.uid, transactionTimeoutMs, max)
      }
    })
  }
}

/** Fails where the topic is missing. */
export async function checkTopicThere(
  check: OutputCheck,
  output: Pick<SinkOutput, 'connection' | 'topic'>,
): Promise<void> {
  const { topic } = output
  await asking(check, output, `find the topic "${topic}"`, () => check.client.describeTopic(topic))
}

/**
 * All transactional ids of this output: those that the checkpoint names, and those of this history which have a marker, numbered
 * without gaps from 0, so that ids of subtasks that are no more are among them.
 */
async function usedIds(check: OutputCheck, output: SinkOutput): Promise<readonly UsedId[]> {
  const { client, context } = check
  const used = new Map<string, UsedId>()
  const look = async (transactionalId: string): Promise<string | undefined> => {
    const what = `read the marker of the group "${transactionalId}" in the topic "${output.markerTopic}"`
    const marker = await asking(check, output, what, () =>
      readMarker(client, transactionalId, output.markerTopic),
    )
    if (marker !== undefined) used.set(transactionalId, { transactionalId, marker })
    return marker
  }
  const prefix = output.prefixOf(context.uid)
  let number = 0
  while ((await look(`${prefix}-${number}`)) !== undefined) number++
  for (const { transactionalId } of context.pending as readonly KafkaCommittable[]) {
    if (used.has(transactionalId)) continue
    const marker = await look(transactionalId)
    used.set(transactionalId, { transactionalId, marker })
  }
  return [...used.values()]
}

async function readMarker(
  client: KafkaSinkClient,
  transactionalId: string,
  markerTopic: string,
): Promise<string | undefined> {
  try {
    return (await client.readMarkers(transactionalId, markerTopic)).committed
  } catch (error) {
    if (rootCause(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    throw error
  }
}

function asking<R>(
  { clock, context }: OutputCheck,
  { connection }: Pick<SinkOutput, 'connection'>,
  what: string,
  operation: () => Promise<R>,
): Promise<R> {
  const { retryTimeoutMs: timeoutMs, brokers } = connection
  const retries = { clock, timeoutMs, isClosed: () => false }
  return retrying(retries, { operator: context.uid, what, brokers }, operation)
}

function outputConflict(
  { uid, policy, current }: PrepareOutputContext,
  topic: string,
  conflicts: readonly UsedId[],
): StreamError {
  const [{ transactionalId, marker }] = conflicts as [UsedId]
  const instead =
    policy === 'replace' ? ' (--output replace cannot: records cannot be taken out of a topic)' : ''
  return new StreamError(
    'MR_OUTPUT_CONFLICT',
    `"${uid}": the topic "${topic}" holds records that this run does not continue: "${transactionalId}" has committed ${marker} ` +
      `(lineage/checkpoint/number), and this run goes on from ${current.lineage}/${current.checkpointId}; together with them its ` +
      `records would be there twice, or another job uses the same transactionalIdPrefix; give each job a prefix of its own, write to ` +
      `another topic, or run with --output keep, which leaves them there${instead}.`,
    { operator: uid, topic, transactionalId, marker },
  )
}
