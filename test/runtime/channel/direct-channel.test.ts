import { describe, expect, it } from 'vitest'
import { channelContract } from '../../contract/channel.ts'
import { directRig } from '../../contract/channel-rig.ts'

channelContract({ name: 'direct', create: directRig })

describe('direct channel', () => {
  /** Positions, among that many records, at which a value outside the type table is noticed. */
  const noticed = (rig: ReturnType<typeof directRig>, records: number): number[] => {
    const positions: number[] = []
    for (let i = 0; i < records; i++) {
      try {
        rig.channel.emit({ when: () => i }, i)
      } catch {
        positions.push(i)
      }
    }
    return positions
  }

  it('checks the first 1,000 records and one of 1,024 after that (R18)', () => {
    const positions = noticed(directRig(), 1_000 + 1_024 * 2)
    expect(positions.slice(0, 1_000)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
    expect(positions.slice(1_000)).toEqual([999 + 1_024, 999 + 2_048])
  })

  it('checks every record in strict mode (R18)', () => {
    expect(noticed(directRig(true), 3_000)).toHaveLength(3_000)
  })

  it('is synchronous: the receiver has the record when emit returns (R6)', () => {
    const rig = directRig()
    rig.channel.emit('x', 1)
    expect(rig.received).toEqual(['"x" @ 1'])
    rig.channel.flush(Infinity, 0)
    expect(rig.received).toHaveLength(1)
  })

  it('passes on what its target says of records and of barriers (R6, R13)', () => {
    const rig = directRig()
    rig.setOpen(false)
    expect([rig.channel.isReady(), rig.channel.isReadyForBarrier()]).toEqual([false, true])
    rig.setTakesBarriers(false)
    expect([rig.channel.isReady(), rig.channel.isReadyForBarrier()]).toEqual([false, false])
  })
})
