/**
 * A two-way, ordered connection between threads; `MessagePort` in a real job, a simulated one in the test kit.
 *
 * Messages are plain data; buffers in `transfer` belong to the other side afterwards.
 */
export interface Port<Out, In> {
  post(message: Out, transfer?: readonly ArrayBuffer[]): void
  /** Sets the one receiver; messages that came before it was set are handed over first. */
  onMessage(receive: (message: In) => void): void
  close(): void
}
