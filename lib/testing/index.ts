export { FAKE_CLOCK_START_MS, FAKE_WALL_START_MS, FakeClock, settle } from './fake-clock.ts'
export { fixedRandom } from './fixed-random.ts'
