import { beforeEach, describe, expect, it } from 'vitest'
import { firehoseSinkOn } from '../../../connectors/firehose/firehose-sink.ts'
import type { FirehoseSinkOptions } from '../../../connectors/firehose/firehose-sink-options.ts'
import { kinesisSinkOn } from '../../../connectors/kinesis/kinesis-sink.ts'
import { string } from '../../../connectors/string-format.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { FakePutService, sdkError } from './fake-put-service.ts'
import { PutRun } from './put-run.ts'

let service: FakePutService
let clock: ManualClock
beforeEach(() => {
  service = new FakePutService()
  clock = new ManualClock()
})

function start(options: Partial<FirehoseSinkOptions<string>> = {}) {
  const sink = firehoseSinkOn<string>(() => service, {
    deliveryStream: 'out',
    value: string(),
    delimiter: '',
    ...options,
  })
  return PutRun.start(sink, clock)
}

const turns = async (n = 5) => {
  for (let i = 0; i < n; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

describe('PutWriter', () => {
  it('sends when the first record has waited for linger, and not before', async () => {
    const run = await start()
    run.write('a')
    clock.advance(60)
    run.write('b')
    clock.advance(39)
    await turns()
    expect(service.requests).toEqual([])
    clock.advance(1)
    await turns()
    expect(service.requests).toEqual([2])
    run.write('c')
    clock.advance(99)
    await turns()
    expect(service.texts).toEqual(['a', 'b'])
    clock.advance(1)
    await turns()
    expect(service.texts).toEqual(['a', 'b', 'c'])
    await run.close()
  })

  it('sends full requests at once, of 500 records or 4 MiB', async () => {
    const run = await start()
    run.write(...numbers(0, 1_100))
    await turns()
    expect(service.requests).toEqual([500, 500])
    await run.cut()
    expect(service.requests).toEqual([500, 500, 100])
    const size = 1_000_000
    for (let n = 0; n < 5; n++) run.write('x'.repeat(size))
    await turns()
    expect(service.requests.slice(3)).toEqual([4])
    await run.cut()
    expect(service.requests.slice(3)).toEqual([4, 1])
    await run.close()
  })

  it('has at most maxRequests on their way, and takes no records while too much waits', async () => {
    const gates: (() => void)[] = []
    service.wait = () => new Promise((resolve) => gates.push(resolve))
    const run = await start({ maxRequests: 2, maxBufferedBytes: 200_000 })
    const all = numbers(0, 2_500)
    let n = 0
    while (run.writer.isReady) run.write(all[n++]!)
    expect(n).toBeGreaterThan(1_500)
    await turns()
    expect(service.inFlight).toBe(2)
    expect(run.wakes).toBe(0)
    gates.shift()!()
    await turns()
    expect(run.writer.isReady).toBe(true)
    expect(run.wakes).toBe(1)
    expect(service.inFlight).toBe(2)
    const cut = run.cut()
    while (service.texts.length < n) {
      gates.shift()!()
      await turns()
    }
    await cut
    expect(service.mostInFlight).toBe(2)
    expect(service.texts).toEqual(all.slice(0, n))
    await run.close()
  })

  it('does not end a cut before what was written is taken; what comes later is not waited for', async () => {
    const gates: (() => void)[] = []
    service.wait = () => new Promise((resolve) => gates.push(resolve))
    const run = await start()
    run.write('a')
    let isCut = false
    const cut = run.cut().then(() => (isCut = true))
    run.write('b')
    await turns()
    expect(isCut).toBe(false)
    gates.shift()!()
    await cut
    expect(service.texts).toEqual(['a'])
    const second = run.cut()
    await turns()
    gates.shift()!()
    await second
    await run.cut()
    expect(service.texts).toEqual(['a', 'b'])
    await run.close()
  })

  it('sends again only what the service has refused, after a delay', async () => {
    service.plan = (records, nth) =>
      nth === 0 ? records.map((_, i) => (i % 3 === 0 ? 'InternalFailure' : undefined)) : undefined
    const run = await start()
    run.write(...numbers(0, 10))
    const cut = run.cut()
    await turns()
    expect(service.requests).toEqual([10])
    clock.advance(99)
    await turns()
    expect(service.requests).toEqual([10])
    clock.advance(1)
    await cut
    expect(service.requests).toEqual([10, 4])
    expect([...service.texts].sort()).toEqual(numbers(0, 10))
    expect(run.counters).toEqual({ recordsRefused: 4 })
    await run.close()
  })

  it('holds up nothing else for what is refused of a request', async () => {
    const keyed = kinesisSinkOn<string>(() => service, {
      stream: 'out',
      value: string(),
      partitionKey: (text) => text[0]!,
      ordered: true,
      maxBufferedBytes: 450,
    })
    service.plan = (records) =>
      records.map(({ key }) => (key === 'a' ? 'InternalFailure' : undefined))
    const run = await PutRun.start(keyed, clock)
    run.write('a1', 'b1', 'b2', 'a2', 'b3')
    expect(run.writer.isReady).toBe(false)
    const cut = expect(run.cut()).rejects.toThrow()
    await turns()
    expect(service.texts).toEqual(['b1', 'b2', 'b3'])
    expect(run.wakes).toBe(1)
    await run.close()
    await cut
  })

  it('sends all again when the outcome is not known, and counts what may be there twice', async () => {
    service.plan = (_, nth) => {
      if (nth === 0) return { fails: sdkError('TimeoutError'), isTaken: true }
      return nth === 1 ? { fails: sdkError('InternalFailure', 500), isTaken: false } : undefined
    }
    const run = await start()
    run.write('a', 'b')
    const cut = run.cut()
    await turns()
    clock.advance(100)
    await turns()
    clock.advance(200)
    await cut
    expect(service.texts).toEqual(['a', 'b', 'a', 'b'])
    expect(run.counters).toEqual({ recordsSentAgain: 4 })
    await run.close()
  })

  it.each([
    ['ECONNREFUSED', sdkError('Error', undefined, 'ECONNREFUSED')],
    ['a throttled request', sdkError('ThrottlingException', 400)],
  ])('does not count as sent again what certainly was not taken: %s', async (_, fails) => {
    service.plan = (_records, nth) => (nth === 0 ? { fails, isTaken: false } : undefined)
    const run = await start()
    run.write('a')
    const cut = run.cut()
    await turns()
    clock.advance(100)
    await cut
    expect(run.counters).toEqual({ recordsRefused: 1 })
    await run.close()
  })

  it('gives up when nothing of a key is taken for retryTimeout, and says how much waits and why', async () => {
    service.plan = (records, nth) =>
      records.map((_, i) => (i === 0 && nth < 5 ? undefined : nth === 4 ? 'First' : 'Throttled'))
    const sink = kinesisSinkOn<string>(() => service, {
      stream: 'out',
      value: string(),
      partitionKey: () => 'k',
      retryTimeout: '1s',
    })
    const run = await PutRun.start(sink, clock)
    run.write(...numbers(0, 10))
    const error = run.cut().catch((reason: unknown) => reason)
    for (let n = 0; n < 30 && run.failure === undefined; n++) {
      await turns()
      clock.advance(100)
    }
    expect(await error).toBe(run.failure)
    expect(run.failure).toMatchObject({
      code: 'MR_AWS_UNAVAILABLE',
      name: 'RestartableError',
      fields: { records: 5, triedMs: 1_000, first: 'First', last: 'Throttled' },
    })
    // One goes to see, and the others behind it. Time and delays begin anew with each record that is taken, the last one after 200 ms.
    expect(service.requests).toEqual([10, 1, 8, 1, 6, 1, 1, 1, 1])
    expect((run.failure as Error).message).toMatch(
      /^"sink" could not write 5 records to the stream "out" for 1 s: .*first: First: First of the test; last: Throttled/,
    )
    expect(run.writer.isReady).toBe(false)
    await expect(run.cut()).rejects.toBe(run.failure)
    await run.close()
  })

  it('fails at once where no other try can help', async () => {
    service.plan = () => ({ fails: sdkError('ResourceNotFoundException', 400), isTaken: false })
    const run = await start()
    run.write('a')
    await expect(run.cut()).rejects.toMatchObject({ code: 'MR_AWS_MISSING', name: 'StreamError' })
    expect(run.failure).toMatchObject({ code: 'MR_AWS_MISSING' })
    expect(service.requests).toEqual([1])
    await run.close()
  })

  it('tries once more when the clock is off, as the SDK sets it right', async () => {
    const fails = sdkError('RequestExpired', 400)
    service.plan = (_, nth) => (nth === 0 ? { fails, isTaken: false } : undefined)
    const run = await start()
    run.write('a')
    const cut = run.cut()
    await turns()
    clock.advance(100)
    await cut
    service.plan = () => ({ fails, isTaken: false })
    run.write('b')
    const second = expect(run.cut()).rejects.toMatchObject({ code: 'MR_AWS_CLOCK' })
    await turns()
    clock.advance(100)
    await second
    expect(service.requests).toEqual([1, 1, 1, 1])
    await run.close()
  })

  it('fails where the answer does not say what became of each record', async () => {
    service.plan = () => [undefined]
    const run = await start()
    run.write('a', 'b')
    await expect(run.cut()).rejects.toMatchObject({
      code: 'MR_AWS_FAILED',
      fields: { sent: 2, answered: 1 },
    })
    await run.close()
  })

  it('has fewer records on their way while the service throttles, and slowly more again', async () => {
    const all = numbers(0, 20_000)
    // So many in 100 ms: a tenth of what could be on the way.
    const most = 200
    let room = most
    let isSlow = true
    service.plan = (records) => records.map(() => (isSlow && --room < 0 ? 'Throttled' : undefined))
    const run = await start({ maxBufferedBytes: 2 ** 30 })
    run.write(...all)
    const cut = run.cut()
    let ticks = 0
    for (; service.texts.length < 10_000; ticks++) {
      await turns(20)
      clock.advance(100)
      room = most
    }
    expect(ticks).toBeLessThan((10_000 / most) * 2)
    expect(run.counters['recordsRefused']).toBeLessThan(15_000)
    const slow = service.requests.slice(-20)
    expect(Math.max(...slow)).toBeLessThanOrEqual(400)
    isSlow = false
    for (; service.texts.length < all.length;) {
      await turns(20)
      clock.advance(100)
    }
    await cut
    const later = service.requests.slice(-10)
    expect(Math.max(...later)).toBeGreaterThan(Math.max(...slow))
    expect(service.texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
    await run.close()
  })

  it('ends what is on its way when it is closed, without failing the attempt', async () => {
    service.wait = () => new Promise(() => {})
    const run = await start()
    run.write('a')
    const cut = expect(run.cut()).rejects.toThrow()
    await turns()
    await run.close()
    await cut
    expect(run.failure).toBe(undefined)
    expect(service.isClosed).toBe(true)
    expect(service.inFlight).toBe(0)
  })

  it('does not wait for a delay when it is closed', async () => {
    service.plan = (records) => records.map(() => 'InternalFailure')
    const run = await start()
    run.write('a')
    clock.advance(100)
    await turns()
    expect(service.requests).toEqual([1])
    await run.close()
    expect(run.failure).toBe(undefined)
    expect(clock.nextDelay).toBe(undefined)
  })
})
