import type { Source } from '@tributary/shared/study/study-schema'
import type { NamedSource } from './policy/site-book.ts'
import type { SourceDescription } from './table/open-table.ts'

/** The study's source block with this site's own words for its file. */
export const sourceDescription = (
  declared: Source,
  site: Pick<NamedSource, 'path' | 'overrides'>,
): SourceDescription => ({
  ...declared,
  ...site.overrides,
  missing: [...(site.overrides.missing ?? declared.missing)],
  path: site.path,
})
