import { canGenerate } from '../../../runtime/own-code.ts'
import { BatchDecoder } from '../../../runtime/channel/batch-decoder.ts'
import { BatchEncoder } from '../../../runtime/channel/batch-encoder.ts'
import { exactly } from '../../harness/exactly.ts'
import { append, records, takeApart } from './batch-run.ts'

// Run with `--disallow-code-generation-from-strings`: with the defaults, the channel must not try to generate code.
const entries = records(
  Array.from({ length: 200 }, (_, i) => ({
    id: i,
    name: `n${i}`,
    at: new Date(i),
    pos: { x: -0, y: null },
  })),
)
const encoder = new BatchEncoder()
append(encoder, entries)
const decoded = takeApart(new BatchDecoder(), encoder.finish(undefined))
const isSame = exactly(decoded) === exactly(entries)
console.log(
  `${canGenerate() ? 'generates' : 'refuses to generate'}; ${decoded.length} records ${isSame ? 'the same' : 'differ'}`,
)
