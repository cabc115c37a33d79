import type { KeyedContext } from '../../runtime/operator.ts'

/**
 * A handle of a state of the key, for use while a window is current: each call goes to the default namespace, and back.
 *
 * What a call returns may be used within the callback: iterators are bound to the key when they are made.
 */
export function ofKey<Handle extends object>(handle: Handle, keyed: KeyedContext): Handle {
  const methods: Record<string, unknown> = {}
  for (const name of methodNames(handle)) {
    const method = (handle as Record<string, unknown>)[name] as (...args: unknown[]) => unknown
    methods[name] = (...args: unknown[]): unknown => {
      const window = keyed.currentNamespace
      keyed.setNamespace(undefined)
      try {
        return method.apply(handle, args)
      } finally {
        keyed.setNamespace(window)
      }
    }
  }
  return methods as Handle
}

function methodNames(handle: object): string[] {
  const names: string[] = []
  for (let at: object = handle; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && !names.includes(name)) names.push(name)
    }
  }
  return names.filter((name) => typeof Reflect.get(handle, name) === 'function')
}
