import { runTool } from '../harness/tool-outlets.ts'
import { attacksCommand } from './attacks-command.ts'

/** `npm run -s attacks`. */
await runTool(attacksCommand())
