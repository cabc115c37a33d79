import { type FileCut, type FileEncoder, NO_CLOSING, type WriteFormat } from './format.ts'

/** Makes a file of the text of its records, with the header of the format before them. */
export class TextFileEncoder<T> implements FileEncoder<T> {
  readonly #format: WriteFormat<T>
  readonly #blockLength: number
  #text: string

  /** @param blockLength So many characters make a block. */
  constructor(format: WriteFormat<T>, blockLength: number) {
    this.#format = format
    this.#blockLength = blockLength
    this.#text = format.header ?? ''
  }

  add(value: T): void {
    this.#text += this.#format.encode(value)
  }

  get heldBytes(): number {
    return this.#text.length
  }

  get isFull(): boolean {
    return this.#text.length >= this.#blockLength
  }

  take(): Uint8Array {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    return bytes
  }

  end(): Uint8Array {
    return this.take()
  }

  cut(): FileCut {
    return { bytes: this.take(), closing: NO_CLOSING }
  }
}
