import { givenText, StreamError } from '../runtime/errors.ts'
import type { PlanParameter } from '../runtime/graph/job-plan.ts'
import type { Param, ParamDeclarations } from './param.ts'

/** What a parameter may be called: it stands before a "=" on the command line. */
const PARAMETER_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/

/** Longest value that is shown in a message. */
const MAX_SHOWN = 80

/** The parameters of one job: checks, converts and lists them (N4). */
export class JobParameters {
  readonly #job: string
  readonly #declared: ReadonlyMap<string, Param<unknown>>

  /** Fails with `MR_PARAMETER_INVALID` for what is no declaration, and for a name that no command line can give. */
  constructor(job: string, declarations: ParamDeclarations) {
    this.#job = job
    this.#declared = new Map(Object.entries(declarations))
    for (const [name, declared] of this.#declared) checkDeclaration(job, name, declared)
    const bad = [...this.#declared.keys()].filter((name) => !PARAMETER_NAME.test(name))
    if (bad.length === 0) return
    throw new StreamError(
      'MR_PARAMETER_INVALID',
      `Job "${job}" declares ${bad.map((name) => `"${name}"`).join(', ')} as parameters; they could not be given as name=value; use letters, digits, "_" and "-", beginning with a letter.`,
      { job, names: bad },
    )
  }

  /** As `--help` and plans list them. */
  get list(): PlanParameter[] {
    return [...this.#declared].map(([name, { type, defaultText, description }]) => ({
      name,
      type,
      defaultText,
      description,
    }))
  }

  /**
   * The values of all parameters: given ones converted, defaults for the rest. Its result may be given again.
   *
   * Fails with `MR_PARAMETER_INVALID`, which tells everything that is wrong, and what there is.
   */
  parse(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const values: [string, unknown][] = []
    const problems = Object.keys(given)
      .filter((name) => !this.#declared.has(name))
      .map((name) => `"${name}" is unknown`)
    for (const [name, declared] of this.#declared) {
      const isGiven = Object.hasOwn(given, name) && given[name] !== undefined
      const value = isGiven ? declared.convert(given[name]) : declared.defaultValue
      if (value !== undefined) values.push([name, value])
      else if (isGiven) problems.push(`"${name}" is ${shown(declared, given[name])}`)
      else problems.push(`"${name}" is not given and has no default`)
    }
    if (problems.length > 0) throw this.#invalid(problems)
    return Object.fromEntries(values)
  }

  /** Values without those of secrets: for plans and manifests (R5). */
  withoutSecrets(
    values: Readonly<Record<string, unknown>>,
  ): Record<string, string | number | boolean> {
    const shown = [...this.#declared].filter(([, declared]) => declared.type !== 'secret')
    return Object.fromEntries(
      shown.map(([name]) => [name, values[name] as string | number | boolean]),
    )
  }

  #invalid(problems: readonly string[]): StreamError {
    const all = this.list.map(
      ({ name, type, defaultText, description }) =>
        `${name} (${type}${defaultText === undefined ? '' : `, default ${JSON.stringify(defaultText)}`})${description === '' ? '' : ` ${description}`}`,
    )
    const there = all.length === 0 ? 'the job has no parameters' : `the job has: ${all.join('; ')}`
    return new StreamError(
      'MR_PARAMETER_INVALID',
      `Parameters of job "${this.#job}": ${problems.join(', ')}; the graph cannot be built from them; ${there}.`,
      { job: this.#job, problems, parameters: this.list },
    )
  }
}

function checkDeclaration(job: string, name: string, declared: Param<unknown> | undefined): void {
  if (typeof declared?.convert === 'function') return
  throw new StreamError(
    'MR_PARAMETER_INVALID',
    `Job "${job}" declares parameter "${name}" by something of type ${typeof declared}; its values could not be checked; use param.string(), param.number() and the like.`,
    { job, name },
  )
}

/** What was given instead; of a secret only its type. */
function shown(declared: Param<unknown>, given: unknown): string {
  const { type } = declared
  const expected = type === 'secret' ? 'text' : `a ${type}`
  if (type === 'secret') return `of type ${typeof given}, not ${expected}`
  const text = givenText(given)
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  return `${cut} (${typeof given}), not ${expected}`
}
