import { afterEach } from 'vitest'
import type { BackendContext, KeyedStateBackend } from '../../runtime/state/state-backend.ts'
import { restoreInto } from './fake-base.ts'
import { backendContext, type Contents, type CreateBackend } from './state-harness.ts'
import { type Handles, registerAll } from './state-model.ts'

export interface StateBackendContract {
  readonly name: string
  readonly create: CreateBackend
  /** What the contexts of this implementation have otherwise, such as a small cache and a directory for each. */
  readonly context: () => Partial<BackendContext>
  /** Whether what is restored is loaded while it is used, where it can be. */
  readonly isLazy?: boolean
  /** Runs of the property test. */
  readonly runs: number
}

/** A backend with its states registered. */
export type OpenBackend = KeyedStateBackend & Handles

/** What the parts of the contract work with. */
export interface StateFixture {
  readonly name: string
  readonly runs: number
  /** A backend with nothing registered; closed after the test. */
  create(overrides?: Partial<BackendContext>): KeyedStateBackend
  /** A fresh one. */
  open(overrides?: Partial<BackendContext>): Promise<OpenBackend>
  /** One that goes on from contents. */
  restored(contents: Contents, asChanges?: boolean): Promise<OpenBackend>
}

export function stateFixture(contract: StateBackendContract): StateFixture {
  const opened: KeyedStateBackend[] = []
  afterEach(async () => {
    for (const backend of opened.splice(0)) await backend.close()
  })
  const create = (overrides: Partial<BackendContext> = {}): KeyedStateBackend => {
    const backend = contract.create(backendContext({ ...contract.context(), ...overrides }))
    opened.push(backend)
    return backend
  }
  return {
    name: contract.name,
    runs: contract.runs,
    create,
    async open(overrides) {
      const backend = create(overrides)
      const handles = registerAll(backend)
      await backend.restore([])
      return Object.assign(backend, handles)
    },
    async restored(contents, asChanges = false) {
      const backend = create()
      const handles = registerAll(backend)
      await restoreInto(backend, contents, { asChanges, isLazy: contract.isLazy })
      return Object.assign(backend, handles)
    },
  }
}
