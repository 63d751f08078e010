// A constant rate for a while: k6 run -e URL=http://127.0.0.1:8080 -e RATE=1000 -e DURATION=30s check.js
//
//   RATE, DURATION  requests a second, and for how long (1000, 30s)
//   P99_MS          fails if one in a hundred takes longer (50)

import { anyKey, ask, constant, number, summaryTrendStats } from './ratekeeper.js';

export { setup } from './ratekeeper.js';

export const options = {
  scenarios: { steady: constant(number('RATE', 1000), __ENV.DURATION || '30s') },
  thresholds: {
    checks: ['rate>0.999'],
    http_req_duration: [`p(99)<${number('P99_MS', 50)}`],
    // Requests that k6 itself left out: then the rate was not what it says.
    dropped_iterations: ['count==0'],
  },
  summaryTrendStats,
};

export default function (data) {
  ask(data.run, anyKey());
}
