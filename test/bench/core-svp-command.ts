import { runTool } from '../harness/tool-outlets.ts'
import { latticeCommand } from './lattice-command.ts'

/** `npm run -s lattice`. */
await runTool(latticeCommand)
