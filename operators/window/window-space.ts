import type { Key } from '../../runtime/key.ts'
import { checkWindow } from './check-window.ts'
import type { TimeWindow, Window } from './time-window.ts'
import type { WindowNamespaces } from './window-namespace.ts'

/** Which windows of the current key are open, and where their contents are. */
export interface WindowSpace {
  /** A record comes into a window; returns the one that it is part of by then. */
  enter(window: Window): Window
  /** Whether the window last entered may hold something from before. */
  readonly mayHoldMore: boolean
  /** Whether a timer of this window still means something. */
  isOpen(window: Window): boolean
  /** The namespace of what is in an open window. */
  contentsOf(window: Window): Key | undefined
  /** The window is gone for good. */
  leave(window: Window): void
}

/** Windows that stand for themselves: all of them are as open as the others. */
export class SeparateWindows implements WindowSpace {
  readonly #namespaces: WindowNamespaces
  readonly #sizeMs: number | undefined
  /** Its own timer will find it: there is no need to look. */
  readonly mayHoldMore = false

  /** `sizeMs` is that of all windows, undefined where they may have any. */
  constructor(namespaces: WindowNamespaces, sizeMs: number | undefined) {
    this.#namespaces = namespaces
    this.#sizeMs = sizeMs
  }

  enter(window: Window): Window {
    checkWindow(window, this.#sizeMs)
    return window
  }

  isOpen(): boolean {
    return true
  }

  contentsOf(window: Window): Key | undefined {
    return this.#namespaces.of(window)
  }

  leave(): void {}
}

/** A merge has come about: windows have become another one. */
export interface WindowMerge {
  readonly window: TimeWindow
  /** The windows that are no more. */
  readonly merged: readonly TimeWindow[]
  /** Namespace of the contents of the new window, and of contents that have to be added to it. */
  readonly contents: number
  readonly mergedContents: readonly number[]
}
