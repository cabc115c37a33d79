/**
 * Identity of a transaction, as it stands in the marker: `lineage/checkpointId/nonce`. The nonce makes it the only one of its kind,
 * also where a copy of the state directory takes a checkpoint of the same number.
 */
export interface TransactionIdentity {
  readonly lineage: string
  readonly checkpointId: number
}

/**
 * What a cut has for its transaction: which one it is, and which one came before it under the same transactional id. Without records
 * there is no transaction: both name the last one.
 */
export interface PendingTransaction {
  readonly id: string
  readonly previous: string
  readonly hasRecords: boolean
}

/** How to go on with what is pending: from which on it must be written, or that this cannot be told, and why. */
export type CommitPlan =
  | { readonly from: number }
  /** There is no marker, and there was one when this was written. */
  | { readonly unknown: 'missing' }
  /** The marker is that of a later checkpoint: what comes behind these, or what another run of this history has done. */
  | { readonly unknown: 'later' }
  /** The marker is that of a transaction that this history does not have. */
  | { readonly unknown: 'foreign' }

export function formatIdentity(identity: TransactionIdentity, nonce: string): string {
  return `${identity.lineage}/${identity.checkpointId}/${nonce}`
}

/** Undefined for a text that is no identity. */
export function parseIdentity(text: string): TransactionIdentity | undefined {
  const match = /^([^/]+)\/(\d+)\/[^/]+$/.exec(text)
  return match === null ? undefined : { lineage: match[1]!, checkpointId: Number(match[2]) }
}

/**
 * Decides what of `pending` (in the order of commits, all under one transactional id) has been committed; pure.
 *
 * | marker | committed |
 * | --- | --- |
 * | is the id of one of them | that one and those before it |
 * | is what came before one of them | those before it |
 * | missing, or anything else | cannot be told, and does not matter where none has records and they are not of this lineage |
 *
 * Identity counts, not order: after going back to an older snapshot, smaller numbers come again. Order counts for what a lineage
 * takes over from another: there a later checkpoint of that one says that all was committed, as commits are in order and
 * numbers are never used twice within a lineage (R1).
 */
export function planCommits(
  marker: string | undefined,
  pending: readonly PendingTransaction[],
  lineage: string,
): CommitPlan {
  const all = { from: pending.length }
  const last = pending.at(-1)
  if (last === undefined) return all
  const hasRecords = pending.some((one) => one.hasRecords)
  if (marker === undefined) return hasRecords ? { unknown: 'missing' } : all
  const committed = pending.findLastIndex(({ id }) => id === marker)
  if (committed >= 0) return { from: committed + 1 }
  const next = pending.findIndex(({ previous }) => previous === marker)
  if (next >= 0) return { from: next }
  const lastIdentity = parseIdentity(last.id)
  const isOwn = lastIdentity?.lineage === lineage
  const isLater = isBehind(parseIdentity(marker), lastIdentity)
  if (!isOwn && (isLater || !hasRecords)) return all
  return { unknown: isLater ? 'later' : 'foreign' }
}

function isBehind(
  one: TransactionIdentity | undefined,
  other: TransactionIdentity | undefined,
): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.lineage === other.lineage &&
    one.checkpointId > other.checkpointId
  )
}
