import { parentPort, workerData } from 'node:worker_threads'
import { AssignerProtocol, Kafka, logLevel, type PartitionAssigner } from 'kafkajs'
import { stampStart } from '../started.ts'

/* One partition: consume, count by key in a map, produce what a consumed batch has come to with one send. */
const { brokers, input, output, mode, partition, stamps, records } = workerData as {
  brokers: string
  input: string
  output: string
  mode: string
  partition: number
  stamps: string
  records: number
}

/** A group of one member, which gets its partition: without the balancing that is not compared. */
const own: PartitionAssigner = () => ({
  name: 'own',
  version: 1,
  async assign({ members }) {
    const assignment = { [input]: [partition] }
    return members.map(({ memberId }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 1,
        assignment,
        userData: Buffer.alloc(0),
      }),
    }))
  },
  protocol: ({ topics }) => ({
    name: 'own',
    metadata: AssignerProtocol.MemberMetadata.encode({
      version: 1,
      topics,
      userData: Buffer.alloc(0),
    }),
  }),
})

const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
const groupId = `bare-${partition}-${process.pid}-${Math.trunc(performance.timeOrigin)}`
const consumer = kafka.consumer({
  groupId,
  partitionAssigners: [own],
  maxWaitTimeInMs: 500,
  maxBytes: 50 * 1024 * 1024,
})
const producer = kafka.producer({ idempotent: true, createPartitioner: () => () => partition })
if (mode !== 'read') await producer.connect()
await consumer.connect()
await consumer.subscribe({ topics: [input], fromBeginning: true })
const counts = new Map<string, number>()
let seen = 0
let sum = 0
await consumer.run({
  autoCommit: false,
  async eachBatch({ batch }) {
    if (seen === 0) stampStart(stamps)
    const messages = []
    for (const { key, value } of batch.messages) {
      const { amount, pad } = JSON.parse(value!.toString()) as { amount: number; pad: string }
      seen++
      if (mode === 'read') {
        sum += amount
        continue
      }
      const name = key!.toString()
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      messages.push({ key: name, value: JSON.stringify({ key: name, count, pad }), partition })
    }
    // Above 1 MiB a send is refused.
    for (let from = 0; from < messages.length; from += 4_000) {
      await producer.send({ topic: output, messages: messages.slice(from, from + 4_000) })
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    if (seen >= records) parentPort!.postMessage(sum)
  },
})
