import { describe, expect, it } from 'vitest'
import { knownDependencies, rateOf } from './known-dependency.ts'
import { columns, hospitals, oneVisitEach, simulatePatients, toCsv } from './patient-simulator.ts'

const everyone = (seed: number) => hospitals.flatMap((hospital) => simulatePatients(hospital, seed))

describe('patient simulator', () => {
  it('repeats itself for a seed, and differs for another and between hospitals', () => {
    const [first, second] = hospitals
    if (first === undefined || second === undefined) expect.unreachable()
    expect(toCsv(simulatePatients(first, 3))).toBe(toCsv(simulatePatients(first, 3)))
    expect(toCsv(simulatePatients(first, 3))).not.toBe(toCsv(simulatePatients(first, 4)))
    const renamed = simulatePatients({ ...first, name: second.name }, 3)
    expect(renamed.map(({ visits }) => visits)).not.toEqual(simulatePatients(first, 3).map(({ visits }) => visits))
  })

  it('gives every patient a key of their own and one to six visits that agree on the person', () => {
    const patients = everyone(5)
    expect(new Set(patients.map(({ key }) => key)).size).toBe(patients.length)
    for (const { visits } of patients) {
      expect(visits.length).toBeGreaterThanOrEqual(1)
      expect(visits.length).toBeLessThanOrEqual(6)
      expect(new Set(visits.map((visit) => visit.slice(0, 7).join())).size).toBe(1)
    }
    expect(patients.filter(({ visits }) => visits.length > 1).length).toBeGreaterThan(patients.length / 10)
  })

  it('writes one line a visit under the study’s columns', () => {
    const patients = simulatePatients({ ...hospitals[0]!, patients: 50 }, 1)
    const lines = toCsv(patients).trimEnd().split('\n')
    expect(lines[0]).toBe(`patient,${columns.join(',')}`)
    expect(lines.length - 1).toBe(patients.reduce((sum, { visits }) => sum + visits.length, 0))
    expect(oneVisitEach(patients, 2)).toHaveLength(50)
  })

  it('four case mixes differ: ages of the oldest and the youngest hospital lie 20 years apart', () => {
    const meanAge = hospitals.map((hospital) => {
      const ages = simulatePatients(hospital, 1).map(({ visits }) => Number(visits[0]![0]))
      return ages.reduce((sum, age) => sum + age, 0) / ages.length
    })
    expect(Math.max(...meanAge) - Math.min(...meanAge)).toBeGreaterThan(20)
  })

  it.each(knownDependencies)('keeps its promise: $says ($low.name < $high.name)', ({ event, low, high }) => {
    const rows = oneVisitEach(everyone(1), 1)
    expect(rateOf(rows, event, high.given)).toBeGreaterThan(rateOf(rows, event, low.given) + 0.08)
  })
})
