/** Says on stderr what is going on: one line that rewrites itself on a terminal, a plain line every few seconds elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  readonly #quietMs: number
  readonly #started = performance.now()
  #timer: NodeJS.Timeout | undefined
  #text = ''
  #frame = 0
  #lastPlain = Number.NEGATIVE_INFINITY

  constructor(stream: NodeJS.WriteStream = process.stderr, quietMs = 4000) {
    this.#stream = stream
    this.#quietMs = quietMs
    if (stream.isTTY) this.#timer = setInterval(() => this.#draw(), 120).unref()
  }

  #seconds(): string {
    return `${Math.floor((performance.now() - this.#started) / 1000)} s`.padStart(5)
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % 4
    const width = (this.#stream.columns || 80) - 1
    const line = ` ${'|/-\\'[this.#frame]} ${this.#seconds()}  ${this.#text}`
    this.#stream.write(`\r${line.slice(0, width).padEnd(width)}`)
  }

  /** A new stage: always shown. */
  stage(text: string): void {
    this.#text = text
    if (this.#stream.isTTY) return this.#draw()
    this.#lastPlain = performance.now()
    this.#stream.write(`${this.#seconds()}  ${text}\n`)
  }

  /** More of the same stage: shown when nothing was for a while. */
  update(text: string): void {
    if (this.#stream.isTTY) this.#text = text
    else if (performance.now() - this.#lastPlain >= this.#quietMs) this.stage(text)
  }

  /** Clears the line, so that what follows stands alone. */
  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#stream.isTTY) this.#stream.write(`\r${' '.repeat((this.#stream.columns || 80) - 1)}\r`)
  }
}
