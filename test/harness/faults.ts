import type { Random } from '../../runtime/clock.ts'

/** One call to what lies below: a file system, a storage. */
export interface Call {
  readonly kind: string
  /** The file or folder that it is about. */
  readonly path: string
  /** Its number since the beginning, from 0. */
  readonly index: number
}

/** What becomes of a call that goes wrong. */
export type Fault =
  /** It fails with this code of the system, and has done nothing. */
  | { readonly kind: 'fails'; readonly code: string }
  /** It fails, and has done what it was asked: the answer got lost. */
  | { readonly kind: 'unanswered'; readonly code: string }
  /** It fails halfway: of a write one half is there. What has no halves does nothing. */
  | { readonly kind: 'torn'; readonly code: string }
  /** It does nothing, and says that it is done: a disk that does not sync. */
  | { readonly kind: 'lost' }

export interface CallFaults {
  /** What becomes of a call; undefined: it does what it should. */
  readonly fault?: (call: Call) => Fault | undefined
  /** Awaited before a call has its effect, and again before its caller is told: what is slow, and in which order. */
  readonly pace?: (call: Call) => Promise<void>
  /** What a failed call throws; default: as the operating system does, with `code`. */
  readonly failure?: (code: string, call: Call) => Error
}

/** What a call can come to. */
export interface CallEffects<T> {
  readonly whole: () => Promise<T>
  /** Half of it, where it has halves. */
  readonly half?: () => Promise<unknown>
  /** What its caller is told where it is lost; without it a call cannot be. */
  readonly nothing?: () => T
}

/** Lets calls pass, each with the fault that is due; counts them. */
export class FaultInjector {
  readonly calls: Call[] = []
  readonly #faults: CallFaults

  constructor(faults: CallFaults) {
    this.#faults = faults
  }

  async pass<T>(
    call: { readonly kind: string; readonly path: string },
    effects: CallEffects<T>,
  ): Promise<T> {
    const { pace = async () => {} } = this.#faults
    const [counted, fault] = this.#count(call)
    await pace(counted)
    const done = await this.#effect(counted, fault, effects)
    await pace(counted)
    return done()
  }

  /** The same at once. */
  passSync<T>(call: { readonly kind: string; readonly path: string }, whole: () => T): T {
    const [counted, fault] = this.#count(call)
    if (fault !== undefined && fault.kind !== 'lost') throw this.#failure(fault.code, counted)
    return whole()
  }

  #count(call: { readonly kind: string; readonly path: string }): [Call, Fault | undefined] {
    const counted = { ...call, index: this.calls.length }
    this.calls.push(counted)
    return [counted, this.#faults.fault?.(counted)]
  }

  /** Does it as far as it happens, and resolves with what tells the caller. */
  async #effect<T>(
    call: Call,
    fault: Fault | undefined,
    { whole, half, nothing }: CallEffects<T>,
  ): Promise<() => T> {
    const fails = (code: string) => (): never => {
      throw this.#failure(code, call)
    }
    try {
      if (fault?.kind === 'fails') return fails(fault.code)
      if (fault?.kind === 'torn') {
        await half?.()
        return fails(fault.code)
      }
      if (fault?.kind === 'lost' && nothing !== undefined) return nothing
      const result = await whole()
      return fault?.kind === 'unanswered' ? fails(fault.code) : () => result
    } catch (error) {
      return () => {
        throw error
      }
    }
  }

  #failure(code: string, call: Call): Error {
    return this.#faults.failure?.(code, call) ?? systemError(code, call.path)
  }
}

/** An error as the operating system has it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: a fault of the test, '${path}'`), { code })
}

/** Faults of these kinds, each call with this probability. */
export function randomFaults(
  random: Random,
  options: { readonly probability: number; readonly faults: readonly Fault[] },
): (call: Call) => Fault | undefined {
  const { probability, faults } = options
  return () => {
    if (random.next() >= probability) return undefined
    return faults[Math.floor(random.next() * faults.length)]
  }
}
