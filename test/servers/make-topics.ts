import { setTimeout } from 'node:timers/promises'
import type { Admin, ITopicConfig } from 'kafkajs'

const MAX_TRIES = 200
const POLL_MS = 50

/**
 * Makes topics, and resolves when they can be read and written.
 *
 * The client's own waiting fails where a broker does not know a topic yet that its controller has just made, and ends when the
 * leaders are named, before they are ready.
 */
export async function makeTopics(admin: Admin, ...topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false })
  for (const { topic } of topics) await untilReady(admin, topic)
}

async function untilReady(admin: Admin, topic: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await admin.fetchTopicOffsets(topic)
      return
    } catch (error) {
      if (tries === MAX_TRIES) throw error
      await setTimeout(POLL_MS)
    }
  }
}
