import { MessageChannel } from 'node:worker_threads'
import { RemoteChannel } from '../../runtime/channel/remote-channel.ts'
import { RemoteInput } from '../../runtime/channel/remote-input.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { threadPort } from '../../runtime/job/thread-port.ts'
import type { Key } from '../../runtime/key.ts'
import type { LinkMessage } from '../../runtime/messages.ts'
import { HashOutput } from '../../runtime/task/edge-output.ts'
import { differences, type Work } from './in-turns.ts'

const RECORDS = 500_000
/** Records between two looks at whether there is credit. */
const AT_ONCE = 1_024
const MAX_PARALLELISM = 1_024
const CREDIT_BYTES = 1_024 * 1_024

interface Payment {
  readonly id: number
  readonly at: number
  readonly cents: number
  readonly card: number
}

const payment = (i: number): Payment => ({
  id: i,
  at: 1_371_816_865_000 + i,
  cents: i * 25,
  card: (i * 7_919) % 10_007,
})

const kinds: Readonly<Record<string, (i: number) => Payment>> = {
  'shuffle hop, 4 numbers': payment,
  'shuffle hop, 4 numbers and 3 short texts': (i) => ({
    ...payment(i),
    ...{ merchant: `Kirlin ${i % 100}`, category: 'travel', city: 'Phoenix' },
  }),
}

/**
 * A record on its way to another thread: key, hash and key group, encoding, the message with its batch, decoding, and the credit
 * back. Both ends are in one thread, with a real port between them; the difference to the same records taken directly.
 */
export async function shuffleCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const costs: Record<string, readonly number[]> = {}
  for (const [name, make] of Object.entries(kinds)) {
    const records = Array.from({ length: 4_096 }, (_, index) => make(index))
    const works = { with: hop(records), without: direct(records) }
    costs[name] = await differences(rounds, RECORDS, works)
  }
  return costs
}

/** Takes a record as the chain behind an edge would. */
class Taker {
  records = 0
  cents = 0

  take({ cents }: Payment): void {
    this.records++
    this.cents += cents
  }
}

function direct(records: readonly Payment[]): Work {
  return () => {
    const taker = new Taker()
    for (let i = 0; i < RECORDS; i++) taker.take(records[i & 4_095]!)
  }
}

function hop(records: readonly Payment[]): Work {
  return async () => {
    const taker = new Taker()
    const clock = new SystemClock()
    const { port1, port2 } = new MessageChannel()
    const near = threadPort<LinkMessage, LinkMessage>(port1)
    const far = threadPort<LinkMessage, LinkMessage>(port2)
    const ids = [0, 1]
    const none = (): void => {}
    const channels = ids.map((id) => {
      const options = { id, port: near, clock, creditBytes: CREDIT_BYTES, wake: none, filled: none }
      return new RemoteChannel(options)
    })
    const inputs = ids.map((id) => new RemoteInput(id, id, far))
    near.onMessage((message) => {
      if (message.type !== 'credit') return
      channels[message.channel]!.restoreCredit(message.bytes, message.buffer)
    })
    far.onMessage((message) => {
      if (message.type !== 'batch') return
      const input = inputs[message.channel]!
      input.push(message.buffer, message.length)
      takeAll(input, taker)
    })
    const edge = new HashOutput({
      channels,
      selector: ({ card }: Payment): Key => card,
      consumer: 'measured',
      maxParallelism: MAX_PARALLELISM,
    })
    for (let i = 0; i < RECORDS; i++) {
      edge.accept(records[i & 4_095], i)
      if (i % AT_ONCE > 0) continue
      while (!channels.every((channel) => channel.isReady())) await turn(clock)
    }
    for (const channel of channels) channel.flush(Infinity, 0)
    while (taker.records < RECORDS) await turn(clock)
    near.close()
  }
}

function takeAll(input: RemoteInput, taker: Taker): void {
  while (input.peek() === 'records') {
    const { values, count } = input.decoder
    while (input.position < count) taker.take(values[input.position++] as Payment)
  }
}

function turn(clock: SystemClock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve))
}
