import { SeededRandom } from '../../runtime/clock.ts'
import type { Fault, ProxiedRequest } from '../servers/fault-proxy.ts'

type Answers = { ErrorCode?: string; ErrorMessage?: string }[]

/**
 * Has a service take only some of the records of a request: the others do not reach it, and its answer, with status 200, says by
 * their places that they were refused.
 *
 * @param field Where the answer has what became of each: `Records` of PutRecords, `RequestResponses` of PutRecordBatch.
 */
export function refusing(
  { body, random }: ProxiedRequest,
  field: 'Records' | 'RequestResponses',
  share: number,
): Fault {
  const input = JSON.parse(body.toString()) as { Records: readonly unknown[] }
  const own = new SeededRandom(Math.floor(random * 2 ** 31))
  const isRefused = input.Records.map(() => own.next() < share)
  const taken = input.Records.filter((_, i) => !isRefused[i])
  const merged = (answers: Answers): Answers => {
    const left = [...answers]
    return isRefused.map((refused, i) =>
      refused ? { ErrorCode: codeOf(field, i), ErrorMessage: 'of the test' } : left.shift()!,
    )
  }
  const answerOf = (answers: Answers, rest: object = {}) => ({
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ ...rest, ...counted(field, isRefused), [field]: merged(answers) }),
  })
  // No service takes a request without records.
  if (taken.length === 0) return { answer: answerOf([]) }
  return {
    body: Buffer.from(JSON.stringify({ ...input, Records: taken })),
    change: ({ status, body: answer }) => {
      if (status !== 200) return { status, body: answer }
      const output = JSON.parse(answer.toString()) as Record<string, Answers>
      return answerOf(output[field]!, output)
    },
  }
}

function codeOf(field: string, i: number): string {
  if (i % 2 === 0) return 'InternalFailure'
  return field === 'Records'
    ? 'ProvisionedThroughputExceededException'
    : 'ServiceUnavailableException'
}

function counted(field: string, isRefused: readonly boolean[]): object {
  const count = isRefused.filter(Boolean).length
  return field === 'Records' ? { FailedRecordCount: count } : { FailedPutCount: count }
}
