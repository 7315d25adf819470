/** One palette for charts and page. On white: text at least 7 : 1, marks at least 3 : 1; shape tells marks apart without colour. */
export const colours = {
  text: '#1d2530',
  quiet: '#4a5563',
  line: '#c9d1da',
  released: '#c3d3e4',
  releasedLine: '#52749a',
  bar: '#1d2530',
  sample: '#0b5394',
  network: '#5b3a86',
  cohort: '#a63c06',
  present: '#2f6f5e',
  absent: '#b3261e',
  alert: '#8a1c14',
  link: '#0b4a84',
} as const
