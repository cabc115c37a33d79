import { describe, expect, it } from 'vitest'
import { generatorHash } from '../../../bench/nexmark/check-generator.ts'
import { eventOf, idAt } from '../../../bench/nexmark/generator.ts'
import { JavaRandom } from '../../../bench/nexmark/java-random.ts'

describe('the generator of Nexmark', () => {
  it.each([
    [100_000, 1, '2e5e3fe598163f127076fecf621d0d807354c50a9e90df73a9582fcf4063025f'],
    [100_000, 100, 'f72665f5a2c33ba8f226a785461f5539f75875dd04edb7c031153050154ecb18'],
    [100_000, 1_000, '107abcaecaccdbaec9832e9f319dc8403496147eaadf89eba6a4efcd6b1b977c'],
    [1_000_000, 1, '0247034ff484843ff73e0bd64d00abe856df24a07f2048e50eb03e4921827321'],
  ])('makes the %i events of all engines, in groups of %i', (count, group, hash) => {
    expect(generatorHash(count, group)).toBe(hash)
  })

  it('makes an event out of its number alone', () => {
    const event = eventOf(4_711)
    eventOf(50)
    expect(eventOf(4_711)).toEqual(event)
  })

  it('gives each event of a group one place in it', () => {
    const ids = Array.from({ length: 3_000 }, (_, index) => idAt(index, 1_000))
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, id) => id))
    expect(ids[1]).toBe(953)
    expect(Math.max(...ids.slice(0, 1_000))).toBe(999)
  })

  it('draws what java.util.Random draws, also at bounds that are powers of two and seeds above 32 bits', () => {
    const random = new JavaRandom()
    random.reset(42)
    expect(random.nextInt32()).toBe(-1_170_105_035)
    expect(random.nextInt(16)).toBe(0)
    expect(random.nextInt(1_000)).toBe(248)
    expect(random.nextDouble()).toBe(0.047939305137387644)
    random.reset(2 ** 40 + 5)
    expect(random.nextInt32()).toBe(671_308_223)
  })

  it('draws anew what would come too often, as java.util.Random does', () => {
    const random = new JavaRandom()
    random.reset(3)
    const drawn = Array.from({ length: 5 }, () => random.nextInt(2 ** 30 + 1))
    expect(drawn).toEqual([152_454_210, 144_139_128, 488_197_459, 757_666_882, 142_793_614])
  })
})
