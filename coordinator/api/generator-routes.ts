import * as z from 'zod'
import type { Api, ApiParts } from './api-parts.ts'
import { callerOf } from './authentication.ts'
import { answers } from './route-schema.ts'
import {
  apiBase,
  cohortPlanSchema,
  generatorDetailSchema,
  generatorsSchema,
  planOrderSchema,
  probeOrderSchema,
  probeSchema,
} from './schemas.ts'

const params = z.strictObject({
  generator: z.string().min(1).max(64).describe("The study's name, or at least 8 digits of its id."),
})

/** What there is, what a cohort of it would be, and a look at some rows: free of privacy cost. */
export const addGeneratorRoutes = (app: Api, { catalogue, work, users, clock }: ApiParts): void => {
  app.get(
    `${apiBase}/generators`,
    { schema: { summary: 'The completed generators', ...answers(generatorsSchema) } },
    async () => ({ generators: [...(await catalogue.all())] }),
  )

  app.get(
    `${apiBase}/generators/:generator`,
    { schema: { summary: 'One generator and its columns', params, ...answers(generatorDetailSchema) } },
    (request) => catalogue.find(request.params.generator),
  )

  app.post(
    `${apiBase}/generators/:generator/probe`,
    { schema: { summary: 'At most 100 rows at once', params, body: probeOrderSchema, ...answers(probeSchema) } },
    async (request) => {
      const study = catalogue.study(request.params.generator)
      const order = request.body
      users.note({
        time: clock.now(),
        user: callerOf(request).name,
        action: 'probe',
        object: study,
        detail: JSON.stringify(order),
      })
      return work.probe(study, order)
    },
  )

  app.post(
    `${apiBase}/generators/:generator/plan`,
    { schema: { summary: 'What a cohort would be', params, body: planOrderSchema, ...answers(cohortPlanSchema) } },
    (request) => work.plan(catalogue.study(request.params.generator), request.body),
  )
}
