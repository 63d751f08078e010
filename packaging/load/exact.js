// Many at once for few keys: is any given more than its limit? Fails if so.
//
//   k6 run -e COUNT=1000 -e WINDOW=60s -e BURST=50 exact.js       for a limit of 1000 per minute burst 50
//
//   COUNT, WINDOW, BURST  the token bucket of each key, as the policy has it; BURST is COUNT unless it is given
//   KEYS                  how many keys there are (1)
//   VUS, DURATION         how many ask at the same time, and for how long (64, 10s)
//
// What is admitted is added up over all keys: `ratekeeper bench --exact` holds each against its own limit, by the time in
// which it was admitted, and knows all algorithms.

import { admitted, ask, denied, number, seconds, summaryTrendStats } from './ratekeeper.js';

export { setup } from './ratekeeper.js';

const duration = __ENV.DURATION || '10s';
const stop = 2;
const keys = number('KEYS', 1);
const count = number('COUNT', 1000);
const most = keys * (number('BURST', count) + Math.floor((count * (seconds(duration) + stop)) / seconds(__ENV.WINDOW || '60s')));

export const options = {
  scenarios: {
    crowd: { executor: 'constant-vus', vus: number('VUS', 64), duration, gracefulStop: `${stop}s` },
  },
  thresholds: {
    [admitted.name]: [`count<=${most}`],
    // Else nothing is proven.
    [denied.name]: ['count>0'],
    checks: ['rate>0.999'],
  },
  summaryTrendStats,
};

export default function (data) {
  ask(data.run, (__VU + __ITER) % keys);
}
