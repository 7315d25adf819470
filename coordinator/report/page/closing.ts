import type { Report } from '../report-schema.ts'
import { table } from './figure.ts'
import { html, type Markup } from './html.ts'

export const limitsSection = ({ limits, not_for: notFor }: Report): Markup => html`<section><h2 id="limits">Limits</h2>
<ul>${limits.map((limit) => html`<li>${limit}</li>`)}</ul>
<h3>Not for</h3>
<ul>${notFor.map((use) => html`<li>${use}</li>`)}</ul></section>
`

export const reproduceSection = ({
  reproduce,
  glossary,
}: Report): Markup => html`<section><h2 id="again">Make it again, check it, cite it</h2>
<pre><code>${reproduce.commands.join('\n')}</code></pre>
<p>The first gives the same bytes of data from the same generator; the second, given the folder of the release, checks every file offline.</p>
<p>${reproduce.cite}</p>
<h3>Files of a release</h3>
${table({ head: ['file', 'what'], rows: reproduce.files.map(({ name, what }) => [name, what]) }, 'Files')}
<h3>Words</h3>
<dl>${glossary.map(({ term, meaning }) => html`<div><dt>${term}</dt><dd>${meaning}</dd></div>`)}</dl></section>
`
