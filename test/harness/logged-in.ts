import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { ResearchersServer, token } from './researchers-server.ts'
import { type Ran, tributary } from './tributary.ts'

/** A researcher who is logged in to a coordinator of answers by heart. */
export interface LoggedIn {
  readonly home: string
  readonly server: ResearchersServer
  run(...words: string[]): Promise<Ran>
  /** Of the last call whose path ends so. */
  lastBody(path: string): unknown
  close(): Promise<void>
}

export const loggedIn = async (): Promise<LoggedIn> => {
  const home = mkdtempSync(join(tmpdir(), 'tributary-researcher-'))
  const run = tributary({ home, input: token })
  const server = await ResearchersServer.start()
  const { code, err } = await run('login', '--server', server.url, '--token-file', '-')
  if (code !== 0) throw new Error(err)
  return {
    home,
    server,
    run,
    lastBody: (path) => server.asked.findLast((asked) => asked.path.endsWith(path))?.body,
    close: async () => {
      await server.close()
      rmSync(home, { recursive: true })
    },
  }
}

/** The same for all tests of a file: logged in before the first, the server's answers as they were before each, gone after the last. */
export const loggedInForAll = (): Omit<LoggedIn, 'close'> => {
  let at: LoggedIn
  beforeAll(async () => {
    at = await loggedIn()
  })
  beforeEach(() => at.server.reset())
  afterAll(() => at.close())
  return {
    get home() {
      return at.home
    },
    get server() {
      return at.server
    },
    run: (...words) => at.run(...words),
    lastBody: (path) => at.lastBody(path),
  }
}
