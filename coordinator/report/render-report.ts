import { asked, banner, verdict } from './page/front.ts'
import { limitsSection, reproduceSection } from './page/closing.ts'
import { evaluationSection } from './page/evaluation.ts'
import { fidelitySection, pairsSection, participationSection, supportSection } from './page/evidence.ts'
import { chartDocument } from './page/figure.ts'
import { html, Markup } from './page/html.ts'
import { privacySection } from './page/privacy.ts'
import { style } from './page/style.ts'
import type { Report } from './report-schema.ts'

const contents = [
  ['asked', 'What was asked'],
  ['privacy', 'Privacy'],
  ['who', 'Who contributed'],
  ['fidelity', 'Fidelity'],
  ['pairs', 'Relations'],
  ['evaluation', 'Held-out patients'],
  ['support', 'Support'],
  ['limits', 'Limits'],
  ['again', 'Make it again'],
] as const

/**
 * The report as one self-contained page: inline style, static SVG, no script, nothing fetched; every chart has its numbers in a
 * table; every number is one of report.json's. Equal reports give equal bytes. Cost: O(cells) drawn, some milliseconds a chart.
 */
export const renderReport = (report: Report): string => {
  const document = chartDocument()
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="generator" content="Tributary"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>SYNTHETIC cohort ${report.release}: report</title>
<style>${new Markup(style)}</style></head><body>
${banner(report)}<main>
<nav aria-label="Contents"><ul>${contents.filter(([id]) => id !== 'evaluation' || report.evaluation !== undefined).map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${verdict(report)}
${asked(report)}${privacySection(report)}${participationSection(report, document)}${fidelitySection(report, document)}${pairsSection(report, document)}${evaluationSection(report.evaluation, document)}${supportSection(report)}${limitsSection(report)}${reproduceSection(report)}</main>
<footer><p>SYNTHETIC: no row is a patient. Release ${report.release}, ${report.federation}, ${report.created.slice(0, 10)}. All numbers of this page are in report.json.</p></footer>
</body></html>
`.text
}
