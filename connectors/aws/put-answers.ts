import type { StreamError } from '../../runtime/errors.ts'
import type { PutRefusal } from './put-service.ts'

/** What a service says of one record; those without a code were taken. */
export interface RecordAnswer {
  readonly ErrorCode?: string
  readonly ErrorMessage?: string
}

/** What became of each record. The number of failures in an answer is left alone: it says nothing that the records do not say. */
export function refusalsOf(
  answers: readonly RecordAnswer[] | undefined,
): readonly (PutRefusal | undefined)[] {
  return (answers ?? []).map(({ ErrorCode, ErrorMessage }) =>
    ErrorCode === undefined || ErrorCode === ''
      ? undefined
      : { name: ErrorCode, message: ErrorMessage ?? 'without a message' },
  )
}

/** Waits for a look at where records go. Who may write need not be allowed to look: writing will tell. */
export async function ignoreDenied(look: Promise<unknown>): Promise<void> {
  try {
    await look
  } catch (error) {
    if ((error as StreamError).code !== 'MR_AWS_REFUSED') throw error
  }
}
