// Ten times too much, and back: k6 run -e SUSTAINABLE=20000 stress.js
//
//   SUSTAINABLE  what the server can do, a second: `ratekeeper bench --rate max` finds it (1000)
//   FACTOR       how many times more (10)
//   DURATION     of each part (30s)
//   P99_MS       fails if one in a hundred takes longer before the overload, or longer than twice as much after it (50)
//   SETTLE       seconds after the overload that the server has to recover (5)

import { anyKey, ask, constant, number, seconds, summaryTrendStats } from './ratekeeper.js';

export { setup } from './ratekeeper.js';

const duration = __ENV.DURATION || '30s';
const part = seconds(duration);
const sustainable = number('SUSTAINABLE', 1000);
const p99 = number('P99_MS', 50);

export const options = {
  scenarios: {
    before: constant(sustainable / 2, duration),
    overload: constant(sustainable * number('FACTOR', 10), duration, { startTime: `${part}s`, gracefulStop: '0s' }),
    after: constant(sustainable / 2, duration, { startTime: `${2 * part + number('SETTLE', 5)}s` }),
  },
  thresholds: {
    'checks{scenario:before}': ['rate>0.999'],
    'checks{scenario:after}': ['rate>0.999'],
    'http_req_duration{scenario:before}': [`p(99)<${p99}`],
    'http_req_duration{scenario:after}': [`p(99)<${2 * p99}`],
    // Goodput, to be read: there is no right or wrong of it.
    'http_reqs{scenario:overload}': ['count>0'],
    'http_req_duration{scenario:overload}': ['p(99)>=0'],
  },
  summaryTrendStats,
};

export default function (data) {
  ask(data.run, anyKey());
}
