import { type Share, shareOf } from './shares.ts'

/** A CPU profile as V8 writes it; times in µs of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly startTime: number
  readonly endTime: number
  /** The node of each sample. */
  readonly samples: readonly number[]
  /** From the sample before to each. */
  readonly timeDeltas: readonly number[]
}

/** A function as it was called from its callers. */
export interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    /** `'0'` where it is no script. */
    readonly scriptId: string | number
    /** Empty for native functions and for generated code. */
    readonly url: string
    /** From 0. */
    readonly lineNumber: number
  }
  readonly children?: readonly number[]
}

/** A stretch of time in µs of the monotonic clock. */
export interface Span {
  readonly fromUs: number
  readonly toUs: number
}

/** Where time was spent: in a function of the project itself, or in what it called of others. */
export interface Place {
  readonly share: Share
  /** Such as `processElement operators/map.ts:12`, or `getSync in find runtime/state/spill.ts:88`. */
  readonly name: string
}

/** What the time of a thread went into. */
export interface Attribution {
  readonly totalUs: number
  readonly sharesUs: ReadonlyMap<Share, number>
  /** From the most time downwards. */
  readonly places: readonly { readonly place: Place; readonly us: number }[]
}

const SPECIAL: Readonly<Record<string, Share>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'idle',
  '(program)': 'program',
}

/**
 * Attributes each sample of a span to the share of the file whose function was running. What is not of the project (built-in and
 * native functions, packages) counts for the nearest caller that is; where there is none it is `program`. Code that the project has
 * generated is `serialization`: in jobs that read no CSV nothing else generates any.
 *
 * @param root URL of the root of the project, with a slash at its end
 */
export function attribute(profile: CpuProfile, span: Span, root: string): Attribution {
  const placeOf = places(profile.nodes, root)
  const sharesUs = new Map<Share, number>()
  const byPlace = new Map<string, { place: Place; us: number }>()
  let totalUs = 0
  let at = profile.startTime
  for (const [index, sample] of profile.samples.entries()) {
    at += profile.timeDeltas[index]!
    // A sample lasts until the next one. The clock of samples may step back a little.
    const until = at + Math.max(0, profile.timeDeltas[index + 1] ?? 0)
    const us = Math.min(until, span.toUs) - Math.max(at, span.fromUs)
    if (us <= 0) continue
    const place = placeOf.get(sample)!
    totalUs += us
    sharesUs.set(place.share, (sharesUs.get(place.share) ?? 0) + us)
    const id = `${place.share} ${place.name}`
    const known = byPlace.get(id)
    if (known === undefined) byPlace.set(id, { place, us })
    else known.us += us
  }
  return { totalUs, sharesUs, places: [...byPlace.values()].sort((a, b) => b.us - a.us) }
}

/** The place of each node: from the roots down, so that callers come first. */
function places(nodes: readonly ProfileNode[], root: string): Map<number, Place> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const found = new Map<number, Place>()
  const called = new Set(nodes.flatMap(({ children = [] }) => children))
  const open = nodes
    .filter(({ id }) => !called.has(id))
    .map((node): [ProfileNode, Place | undefined] => [node, undefined])
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, caller] = next
    const own = ownPlace(node, root)
    found.set(node.id, own ?? placeWithout(node, caller))
    for (const child of node.children ?? []) open.push([byId.get(child)!, own ?? caller])
  }
  return found
}

/** Undefined for what is not of the project. */
function ownPlace({ callFrame }: ProfileNode, root: string): Place | undefined {
  const { scriptId, url, lineNumber } = callFrame
  const name = nameOf(callFrame)
  if (url === '' && Number(scriptId) > 0) {
    return { share: 'serialization', name: `${name} (generated)` }
  }
  const path = url.startsWith(root) ? url.slice(root.length) : ''
  if (path === '' || path.startsWith('node_modules/')) return undefined
  return { share: shareOf(path), name: `${name} ${path}:${lineNumber + 1}` }
}

function placeWithout({ callFrame }: ProfileNode, caller: Place | undefined): Place {
  const name = nameOf(callFrame)
  const special = callFrame.url === '' ? SPECIAL[name] : undefined
  if (special !== undefined) return { share: special, name }
  if (caller === undefined) return { share: 'program', name }
  return { share: caller.share, name: `${name} in ${caller.name}` }
}

function nameOf({ functionName }: ProfileNode['callFrame']): string {
  return functionName === '' ? '(anonymous)' : functionName
}
