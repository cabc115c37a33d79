/** What a function answers for one record. */
export type LambdaAnswer =
  | { readonly result: 'Ok'; readonly data: Buffer }
  | { readonly result: 'Dropped' }
  | { readonly result: 'ProcessingFailed' }

/** An answer that is not what Firehose's contract asks for; `problem` is the end of "the answer …". */
export class LambdaAnswerError extends Error {
  readonly problem: string

  constructor(problem: string) {
    super(`The answer ${problem}.`)
    this.name = 'LambdaAnswerError'
    this.problem = problem
  }
}

/** The call of a function, by Firehose's contract for transformations. */
export interface LambdaCall {
  readonly invocationId: string
  /** Functions may look at it; it says who calls. */
  readonly deliveryStreamArn: string
  readonly region: string
  readonly records: readonly {
    readonly recordId: string
    readonly approximateArrivalTimestamp: number
    /** Base64. */
    readonly data: string
  }[]
}

/**
 * Reads the answer of a function: what it says of each record, in the order of the call whatever its own is. Pure.
 *
 * Throws `LambdaAnswerError` where a record is missing, there twice or unknown, or the answer is anything else.
 */
export function readLambdaAnswer(text: string, recordIds: readonly string[]): LambdaAnswer[] {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    throw new LambdaAnswerError(`is no JSON (${shorten(text)})`)
  }
  const records = (answer as { records?: unknown } | null)?.records
  if (!Array.isArray(records)) throw new LambdaAnswerError(`has no list "records"`)
  const byId = new Map<unknown, unknown>()
  for (const record of records) {
    const id = (record as { recordId?: unknown } | null)?.recordId
    if (byId.has(id)) throw new LambdaAnswerError(`has the recordId ${shown(id)} twice`)
    byId.set(id, record)
  }
  const answers = recordIds.map((id) => {
    if (!byId.has(id))
      throw new LambdaAnswerError(`has nothing for the recordId "${id}" of the call`)
    return answerOf(id, byId.get(id) as { result?: unknown; data?: unknown })
  })
  if (byId.size > recordIds.length) {
    const known = new Set<unknown>(recordIds)
    const other = [...byId.keys()].find((id) => !known.has(id))
    throw new LambdaAnswerError(`has the recordId ${shown(other)}, which the call did not have`)
  }
  return answers
}

function answerOf(id: string, record: { result?: unknown; data?: unknown }): LambdaAnswer {
  const { result, data } = record
  if (result === 'Dropped' || result === 'ProcessingFailed') return { result }
  if (result !== 'Ok') {
    const known = '"Ok", "Dropped" or "ProcessingFailed"'
    throw new LambdaAnswerError(
      `has the result ${shown(result)} for the recordId "${id}", not ${known}`,
    )
  }
  if (typeof data !== 'string' || !isBase64(data)) {
    throw new LambdaAnswerError(`has no data in base64 for the recordId "${id}"`)
  }
  return { result, data: Buffer.from(data, 'base64') }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

function shown(value: unknown): string {
  return value === undefined ? 'undefined' : shorten(JSON.stringify(value))
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}
