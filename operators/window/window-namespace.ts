import type { Key } from '../../runtime/key.ts'
import {
  GLOBAL_WINDOW,
  isTimeWindow,
  type TimeWindow,
  timeWindow,
  type Window,
} from './time-window.ts'

/*
 * The namespaces of windows:
 *
 *   all of time                                the default one
 *   windows of one size                        start
 *   windows of any size                        [start, end]
 *   contents of windows that merge             start of the first window that became part of it
 *   what is put off by late firing             ['late', one of the above]
 */

/** Which windows an assigner makes, as far as their namespaces go. */
export interface WindowNamespaces {
  of(window: Window): Key | undefined
  /** The window of a namespace; undefined where it is none of these, as after the job has got another assigner. */
  window(namespace: Key | undefined): Window | undefined
}

/** Namespaces of windows of one size, or of any size. */
export function namespacesOf(sizeMs: number | undefined): WindowNamespaces {
  return sizeMs === undefined ? new AnySize() : oneSize(sizeMs)
}

function oneSize(sizeMs: number): WindowNamespaces {
  return {
    of: (window) => (window as TimeWindow).start,
    window: (start) => (typeof start === 'number' ? timeWindow(start, start + sizeMs) : undefined),
  }
}

class AnySize implements WindowNamespaces {
  /** The window last asked for, which is asked for several times for each record: the same tuple is found sooner. */
  #window: Window | undefined
  #namespace: Key | undefined

  of(window: Window): Key | undefined {
    if (window !== this.#window) {
      this.#window = window
      this.#namespace = isTimeWindow(window) ? [window.start, window.end] : undefined
    }
    return this.#namespace
  }

  window(namespace: Key | undefined): Window | undefined {
    if (namespace === undefined) return GLOBAL_WINDOW
    if (!Array.isArray(namespace)) return undefined
    const [start, end] = namespace as readonly Key[]
    return typeof start === 'number' && typeof end === 'number' ? timeWindow(start, end) : undefined
  }
}
