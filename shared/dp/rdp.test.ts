import { describe, expect, test } from 'vitest'
import { phaseOf, planOf, type VectorPlan, vectorTest } from '../../test/harness/dp-vectors.ts'
import { delta } from '../units.ts'
import { epsilonPld } from './pld.ts'
import { epsilonRdp, rdpCurve, rdpOrders } from './rdp.ts'
import { groupMoments } from './rdp-group.ts'

describe('reference vectors', () => {
  for (const file of ['single', 'hetero'])
    vectorTest<VectorPlan>(`${file}: Opacus' epsilon plus at most 2e-6 relative, never below`, file, (rows) => {
      for (const row of rows) {
        const { phases, delta } = planOf(row)
        const { epsilon } = epsilonRdp(phases, delta)
        // Opacus stops its series at e^-30 and may lie 5e-7 below the truth.
        expect.soft(epsilon / row.eps_rdp_opacus - 1, row.id).toBeGreaterThanOrEqual(-1e-12)
        expect.soft(epsilon / row.eps_rdp_opacus - 1, row.id).toBeLessThanOrEqual(2e-6)
      }
    })

  interface Order {
    readonly q: number
    readonly sigma: number
    readonly alpha: number
    readonly rdp_mpmath: number
  }
  vectorTest<Order>('rdp_orders: never below the 40-digit integral', 'rdp_orders', (rows) => {
    let compared = 0
    for (const { q, sigma, alpha, rdp_mpmath } of rows) {
      const index = rdpOrders.indexOf(alpha)
      if (index < 0) continue
      compared++
      const excess = (rdpCurve([phaseOf(sigma, q, 1)]).values[index] as number) - rdp_mpmath
      expect.soft(excess, `${q} ${sigma} ${alpha}`).toBeGreaterThanOrEqual(0)
      expect.soft(excess, `${q} ${sigma} ${alpha}`).toBeLessThanOrEqual(1.6e-6 * rdp_mpmath + 2e-13)
    }
    expect(compared).toBeGreaterThan(20)
  })
})

test('the curve rises with the order and adds over phases', () => {
  const one = rdpCurve([phaseOf(1.1, 0.02, 10)])
  const two = rdpCurve([phaseOf(3, 1, 4)])
  const both = rdpCurve([phaseOf(3, 1, 4), phaseOf(1.1, 0.02, 10)])
  for (let i = 0; i < rdpOrders.length; i++) {
    expect(both.values[i]).toBeCloseTo((one.values[i] as number) + (two.values[i] as number), 10)
    if (i > 0) expect(one.values[i] as number).toBeGreaterThanOrEqual((one.values[i - 1] as number) * (1 - 2e-6))
  }
  expect(two.values[rdpOrders.indexOf(8)]).toBeCloseTo((4 * 8) / (2 * 9), 12)
})

test('the integral for several records agrees with the series for one', () => {
  for (const [sigma, q] of [
    [0.8, 0.01],
    [2, 0.2],
    [6, 0.5],
  ] as const) {
    const orders = rdpOrders.filter((order) => order <= 64)
    const integral = groupMoments({ sigma, rate: q, steps: 1, records: 1 }, orders)
    const series = rdpCurve([phaseOf(sigma, q, 1)]).values
    for (const [i, order] of orders.entries()) {
      const excess = (series[i] as number) / ((integral[i] as number) / (order - 1)) - 1
      expect(excess).toBeGreaterThan(-1e-7)
      expect(excess).toBeLessThan(2e-6 + 1e-13 / (integral[i] as number))
    }
  }
})

test('several records: above PLD, within a fifth of it', () => {
  for (const k of [2, 5, 12]) {
    const phases = [phaseOf(2, 0.05, 300, k)]
    const pld = epsilonPld(phases, delta(1e-5))
    const { epsilon } = epsilonRdp(phases, delta(1e-5))
    expect(epsilon).toBeGreaterThan(pld)
    expect(epsilon).toBeLessThan(1.2 * pld)
  }
})

test('nothing asked costs nothing; delta 0 promises nothing', () => {
  expect(epsilonRdp([], delta(1e-5)).epsilon).toBe(0)
  expect(epsilonRdp([phaseOf(1, 0.1, 1)], delta(0)).epsilon).toBe(Infinity)
})
