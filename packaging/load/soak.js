// A constant rate for long, with the server's memory: k6 run -e DURATION=8h -e MOST_MIB=200 soak.js
//
//   RATE, DURATION  requests a second, and for how long (500, 1h)
//   METRICS         the server's metrics (/metrics beside URL)
//   MOST_MIB        fails if the server's memory is ever above it (512)
//   SAMPLE          seconds from one look at its memory to the next (5)

import http from 'k6/http';
import { sleep } from 'k6';
import { Trend } from 'k6/metrics';
import { anyKey, ask, constant, number, summaryTrendStats, url } from './ratekeeper.js';

export { setup } from './ratekeeper.js';

const duration = __ENV.DURATION || '1h';
const resident = new Trend('server_resident_mib');

export const options = {
  scenarios: {
    steady: constant(number('RATE', 500), duration),
    memory: { executor: 'constant-vus', vus: 1, duration, gracefulStop: '10s', exec: 'memory' },
  },
  thresholds: {
    'checks{scenario:steady}': ['rate>0.999'],
    server_resident_mib: [`max<${number('MOST_MIB', 512)}`],
  },
  summaryTrendStats,
};

export default function (data) {
  ask(data.run, anyKey());
}

export function memory() {
  const page = http.get(__ENV.METRICS || `${url}/metrics`).body;
  const found = /^process_resident_memory_bytes (\S+)$/m.exec(page);
  if (found) {
    resident.add(Number(found[1]) / 1048576);
  }
  sleep(number('SAMPLE', 5));
}
