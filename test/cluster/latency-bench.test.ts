import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Latencies } from '../../bench/latency/contenders.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { bench } from './bench-process.ts'

const makeFolder = temporaryFolders()

/** A program that says what it was given. */
async function peer(): Promise<string> {
  const folder = await makeFolder()
  const script = `#!/bin/sh
echo "not of a run"
echo "{\\"engine\\":\\"flink\\",\\"given\\":\\"$*\\"}"
`
  writeFileSync(join(folder, 'run'), script)
  chmodSync(join(folder, 'run'), 0o755)
  return folder
}

it('the latency benchmark counts each bid, and gives the peer the same settings', async () => {
  const json = join(await makeFolder(), 'figures.json')
  const { code, printed } = await bench('latency', [
    ...['--rate=10000', '--seconds=2', '--warmup-seconds=1', '--events=5000', '--memory=512mb'],
    ...['--state=leveldb', '--buffer-timeout=3', '--peer=flink', `--peer-dir=${await peer()}`],
    `--json=${json}`,
  ])
  expect([code, printed]).toEqual([0, expect.stringContaining('millrace, leveldb, 3 ms')])
  const [own, other] = JSON.parse(readFileSync(json, 'utf8')) as Latencies[]
  // Of the second that counts; 46 of 50 events are bids.
  expect(own).toMatchObject({ engine: 'millrace', records: 9_200, bufferTimeoutMs: 3 })
  expect(own!.p50Ms).toBeGreaterThan(0)
  expect(own!.maxMs).toBeGreaterThanOrEqual(own!.p99Ms)
  expect(other).toEqual({
    engine: 'flink',
    given:
      '--rate 10000 --seconds 2 --warmup-seconds 1 --events 5000 --parallelism 2 --state rocksdb --checkpoint-ms 1000 --buffer-timeout 3',
  })
})

it('the latency benchmark says what is wrong with an option', async () => {
  expect((await bench('latency', ['--buffer-timeout=0'])).code).toBe(2)
})
