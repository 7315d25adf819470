import { isQuietRun } from '@tributary/shared/cli/output'
import type { Clock } from '@tributary/shared/ports'

/** Nobody needs to be told of what is over in two seconds. */
const quietStart = 2000

/**
 * How far something is, on stderr: on a terminal one line that is written over, elsewhere a line every ten seconds. `end` wipes
 * the terminal's line. Nothing under --quiet.
 */
export class ProgressLine {
  readonly #clock: Clock
  readonly #stream: { readonly isTTY?: boolean; write(text: string): unknown }
  readonly #started: number
  #last = Number.NEGATIVE_INFINITY
  #isShown = false

  constructor(clock: Clock, stream: { readonly isTTY?: boolean; write(text: string): unknown } = process.stderr) {
    this.#clock = clock
    this.#stream = stream
    this.#started = clock.now()
  }

  /** Cheap enough for every chunk; `text` is asked for only when it is shown. */
  show(text: () => string): void {
    const now = this.#clock.now()
    const isTerminal = this.#stream.isTTY === true
    if (isQuietRun() || now - this.#started < quietStart || now - this.#last < (isTerminal ? 200 : 10_000)) return
    this.#last = now
    this.#isShown = isTerminal
    this.#stream.write(isTerminal ? `\r\u001b[2K${text()}` : `${text()}\n`)
  }

  end(): void {
    if (this.#isShown) this.#stream.write('\r\u001b[2K')
    this.#isShown = false
  }
}
