import { colours } from './colours.ts'

/** Plainly light: charts are drawn for white, and a page that is filed should look as it did. */
export const style = `
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:${colours.text};font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,header .in,footer{max-width:70rem;margin:0 auto;padding:0 1rem}
header{background:#fff4d6;border-bottom:4px double ${colours.cohort};padding:.9rem 0 1rem}
header .mark{display:inline-block;font-weight:700;letter-spacing:.12em;border:2px solid ${colours.alert};color:${colours.alert};background:#fff;padding:.1rem .6rem;margin:0 0 .4rem}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .5rem}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-top:.4rem;border-top:1px solid ${colours.line}}
h3{font-size:1.02rem;margin:1.5rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem}
ul,ol{padding-left:1.3rem;max-width:46rem}
li{margin:.25rem 0}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;max-width:none}
a{color:${colours.link}}
code,.hash{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em;overflow-wrap:anywhere}
pre{background:#f4f6f8;border:1px solid ${colours.line};border-radius:4px;padding:.6rem .8rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
dl{margin:.6rem 0;max-width:60rem}
dl>div{display:grid;grid-template-columns:13rem 1fr;gap:.1rem 1rem;padding:.3rem 0;border-bottom:1px solid #e6eaee}
dt{color:${colours.quiet}}
dd{margin:0;overflow-wrap:anywhere}
.verdict{border:1px solid ${colours.line};border-left:8px solid ${colours.present};padding:.6rem 1rem;margin:1.2rem 0;max-width:60rem}
.verdict.coarse{border-left-color:${colours.cohort}}
.verdict.little{border-left-color:${colours.alert}}
.verdict h2{border:0;margin:.1rem 0 .3rem;padding:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.8rem;margin:1rem 0}
.tile{border:1px solid ${colours.line};border-radius:6px;padding:.6rem .9rem}
.tile b{display:block;font-size:1.7rem;line-height:1.2;font-weight:650}
.tile span{display:block;color:${colours.quiet};font-size:.92rem}
.charts{columns:20.5rem;column-gap:1.8rem}
.charts figure{margin:0 0 1.4rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.6rem 1.6rem;align-items:start}
figure{margin:.8rem 0;break-inside:avoid;min-width:0}
figure.wide{max-width:34rem}
figure svg{display:block;width:100%;height:auto;max-width:100%}
figure.chart:not(.wide) svg{max-width:25rem}
figcaption{font-size:.9rem;color:${colours.quiet};margin-bottom:.2rem;overflow-wrap:anywhere}
figcaption strong{color:${colours.text};font-size:1rem}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;list-style:none;padding:0;max-width:none;font-size:.92rem}
.legend i{display:inline-block;vertical-align:middle;margin-right:.45rem}
.legend .bar{width:1.6rem;height:.8rem;background:${colours.released};border:1px solid ${colours.releasedLine}}
.legend .whisker{width:1.6rem;height:.7rem;border:solid ${colours.bar};border-width:0 1.5px;background:linear-gradient(${colours.bar},${colours.bar}) center/100% 1.5px no-repeat}
.legend .dot{width:.65rem;height:.65rem;border-radius:50%;background:${colours.sample}}
.legend .cross{font:700 1.05rem/1 sans-serif;color:${colours.network}}
.legend .diamond{width:.6rem;height:.6rem;border:2px solid ${colours.cohort};transform:rotate(45deg)}
details{margin:.3rem 0 .6rem}
summary{cursor:pointer;color:${colours.link};font-size:.9rem;padding:.2rem 0}
summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:3px solid ${colours.link};outline-offset:2px}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.86rem;margin:.3rem 0}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e6eaee;text-align:right;vertical-align:top;font-variant-numeric:tabular-nums}
thead th{border-bottom:2px solid ${colours.line};font-weight:600;vertical-align:bottom}
tbody th{font-weight:400}
tr>:first-child{text-align:left}
.words{text-align:left}
.scroll .words{min-width:6rem;max-width:26rem}
td data{white-space:nowrap}
.note{color:${colours.quiet};font-size:.9rem}
footer{border-top:1px solid ${colours.line};margin-top:2.5rem;padding-top:.8rem;padding-bottom:2rem;color:${colours.quiet};font-size:.9rem}
@media (max-width:34rem){body{font-size:15px}dl>div{grid-template-columns:1fr}.tile b{font-size:1.45rem}h1{font-size:1.35rem}}
@media print{
@page{size:A4;margin:14mm 13mm 16mm;@bottom-center{content:"SYNTHETIC \\2013  no row is a patient \\2013  page " counter(page);font:9pt system-ui,sans-serif;color:#555}}
body{font-size:10pt}main,header .in,footer{padding:0;max-width:none}header{-webkit-print-color-adjust:exact;print-color-adjust:exact}
svg,.legend i,.verdict{-webkit-print-color-adjust:exact;print-color-adjust:exact}
h2,h3,.legend{break-after:avoid}.legend{break-inside:avoid}tr,.tile,.verdict,dl>div{break-inside:avoid}
.charts{columns:2}figure.wide{max-width:112mm}.scroll{overflow:visible}.pair{grid-template-columns:1fr}
nav,figure details{display:none}a{color:inherit;text-decoration:none}pre{white-space:pre-wrap}}
`
