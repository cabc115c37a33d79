import { processFunction, valueState } from 'millrace'

/** Changes the text of a key. */
export interface Update {
  readonly key: number
}

/**
 * Reads and writes a text of 90 characters for each record, of its key. `onRecord` is called before. Jobs of benchmarks whose
 * checkpoints are written by `writeCheckpoint` have it under the uid `texts`.
 */
export const texts = (onRecord = (): void => {}) =>
  processFunction({
    state: { text: valueState<string>() },
    processElement(_: Update, ctx) {
      onRecord()
      const before = ctx.state.text.value()
      ctx.state.text.update(before === undefined ? 'x'.repeat(90) : before)
    },
  })
