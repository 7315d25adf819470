import { runTool } from '../harness/tool-outlets.ts'
import { eventLoopCommand } from './event-loop-command.ts'

/** `npm run -s bench:event-loop`. */
await runTool(eventLoopCommand)
