import { expect, it } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import { describeKafkaWithJava } from '../servers/kafka-for-tests.ts'
import { drawZombie, LONG_STOP, zombieCase } from './attack/zombie-case.ts'

describeKafkaWithJava('a process that is stopped while another takes over', (kafka) => {
  it('is shut out when it finds its connections and its transaction gone, and harms neither the topic nor the other', async () => {
    const seed = 1
    const outcome = await zombieCase(kafka, {
      ...drawZombie(new SeededRandom(seed)),
      ...LONG_STOP,
    })
    expect({ seed, ...outcome }).toEqual({
      seed,
      zombie: expect.stringMatching(/^MR_(KAFKA_FENCED|OUTPUT_CONFLICT)$/),
      heir: 'finished',
      problems: [],
    })
  })
})
