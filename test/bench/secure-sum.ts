import { runTool } from '../harness/tool-outlets.ts'
import { secureSumCommand } from './secure-sum-command.ts'

/** `npm run -s bench:secure-sum`. */
await runTool(secureSumCommand)
