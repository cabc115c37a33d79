import { job, type Sink, type Source } from 'millrace'

interface Row {
  readonly n: number
  readonly from: number
}

/** Always busy, with records at the beginning only; tells when it is cut. */
const source: Source<Row> = {
  kind: 'busy',
  boundedness: 'unbounded',
  createEnumerator: (context) => ({
    start() {
      for (let i = 0; i < context.parallelism; i++) context.assignSplits(i, [String(i)])
    },
    snapshotState: () => null,
  }),
  createReader: (context) => {
    let emit: (() => void) | undefined
    let output: Parameters<ReturnType<Source<Row>['createReader']>['open']>[0]
    return {
      open: (given) => void (output = given),
      addSplits: ([split]) => {
        emit = () => {
          for (let n = 0; n < 50; n++) {
            output.split(split as string).emit({ n, from: context.subtaskIndex })
          }
        }
      },
      noMoreSplits() {},
      poll: () => {
        emit?.()
        emit = undefined
        return 'more'
      },
      snapshotState: () => {
        context.log(JSON.stringify({ type: 'cut', at: Date.now() }))
        return []
      },
    }
  },
}

/** Tells when the first row of another thread has come. */
const sink: Sink<Row> = {
  kind: 'telling',
  guarantee: 'at-least-once',
  createWriter: (context) => {
    let hasTold = false
    return {
      isReady: true,
      write({ from }) {
        if (hasTold || from === context.subtaskIndex) return
        hasTold = true
        context.log(JSON.stringify({ type: 'row', at: Date.now() }))
      },
      prepareCommit: () => Promise.resolve([]),
    }
  },
}

export default job('buffering', {}, (env) => {
  env
    .fromSource(source, { uid: 'numbers' })
    .keyBy(({ n }) => n)
    .reduce((_, row) => row, { uid: 'same' })
    .sinkTo(sink, { uid: 'rows' })
})
