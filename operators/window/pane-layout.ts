import { type TimeWindow, timeWindow, windowStart } from './time-window.ts'

/**
 * The panes that sliding windows of one size are made of: what lies between two borders of windows next to each other, so that
 * every window is a row of whole panes.
 *
 *     windows begin     |                   |                   |
 *     windows end       |     |             |     |             |     |
 *                       0    rest         slide             2 · slide
 *     panes             └──┬──┘└─────┬─────┘└──┬──┘└─────┬─────┘
 *
 * `rest` is what is left of the size after as many slides as fit; where that is nothing, a pane is as long as the slide. So a
 * window has at most `2 · size / slide + 1` panes, whatever size and slide have in common. Pure.
 */
export class PaneLayout {
  readonly sizeMs: number
  readonly slideMs: number
  /** Between 0 and the slide. */
  readonly offsetMs: number
  readonly #restMs: number
  /** From the start of the last window that holds a time to that of the first one, for times before the rest and after it. */
  readonly #backFromHead: number
  readonly #backFromTail: number

  /** The size must be above the slide. */
  constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.sizeMs = sizeMs
    this.slideMs = slideMs
    this.offsetMs = ((offsetMs % slideMs) + slideMs) % slideMs
    this.#restMs = sizeMs % slideMs
    this.#backFromHead = sizeMs - this.#restMs
    this.#backFromTail = this.#backFromHead - slideMs
  }

  /** The start of the last window that holds a time. */
  lastWindow(time: number): number {
    return windowStart(time, this.offsetMs, this.slideMs)
  }

  /** The start of the first window that holds a time; `last` is that of the last one. */
  firstWindow(time: number, last: number): number {
    return last - (time - last < this.#restMs ? this.#backFromHead : this.#backFromTail)
  }

  /** The start of the pane that holds a time; `last` is that of the last window. */
  pane(time: number, last: number): number {
    return time - last < this.#restMs ? last : last + this.#restMs
  }

  /** The window with this start. */
  window(start: number): TimeWindow {
    return timeWindow(start, start + this.sizeMs)
  }

  /** Whether a window begins there. */
  isStart(start: number): boolean {
    return this.lastWindow(start) === start
  }
}
