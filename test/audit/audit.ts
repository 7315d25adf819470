import { runTool } from '../harness/tool-outlets.ts'
import { auditCommand } from './audit-command.ts'

/** `npm run -s audit`: the one-run canary audit. */
await runTool(auditCommand)
