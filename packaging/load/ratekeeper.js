// What the scripts beside this one share. Settings come from the environment:
//
//   URL         the server (http://127.0.0.1:8080)
//   TOKEN       a token for decisions, if the server wants one
//   ATTRIBUTES  what is asked, in JSON; {key} and {ip} stand for the key
//   KEYS        how many keys there are (1000)
//   RUN         the front of the keys' names; another one for each run has unused counters (the time)

import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

export const url = __ENV.URL || 'http://127.0.0.1:8080';
const attributes = __ENV.ATTRIBUTES || '{"ip":"{ip}","user":"{key}","method":"GET","path":"/"}';
export const keys = number('KEYS', 1000);

export const admitted = new Counter('ratekeeper_admitted');
export const denied = new Counter('ratekeeper_denied');
export const degraded = new Counter('ratekeeper_degraded');

export function number(name, usual) {
  const value = Number(__ENV[name] || usual);
  if (!(value > 0)) {
    throw new Error(`${name}: write a number above 0`);
  }
  return value;
}

// Seconds of a span such as 90s, 5m or 2h.
export function seconds(span) {
  const parts = /^(\d+)(s|m|h)$/.exec(span);
  if (!parts) {
    throw new Error(`${span}: write a span such as 90s, 5m or 2h`);
  }
  return Number(parts[1]) * { s: 1, m: 60, h: 3600 }[parts[2]];
}

// One name for the whole run, whichever virtual user asks.
export function setup() {
  return { run: __ENV.RUN || Date.now().toString(36) };
}

// Asks for one key, and counts what came back.
export function ask(run, key) {
  let number = key;
  for (const letter of run) {
    number = (number * 31 + letter.charCodeAt(0)) % 0xffffff;
  }
  const ip = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  const filled = attributes.split('{key}').join(`k6-${run}-${key}`).split('{ip}').join(ip);
  const headers = { 'Content-Type': 'application/json' };
  if (__ENV.TOKEN) {
    headers.Authorization = `Bearer ${__ENV.TOKEN}`;
  }
  const answer = http.post(`${url}/v1/check`, `{"attributes":${filled}}`, { headers, timeout: __ENV.TIMEOUT || '2s' });
  const decided = check(answer, { 'it decides': (answer) => answer.status === 200 });
  if (decided) {
    const decision = answer.json();
    (decision.allowed ? admitted : denied).add(1);
    degraded.add(decision.degraded ? 1 : 0);
  }
}

// A key, each as often as any other.
export function anyKey() {
  return Math.floor(Math.random() * keys);
}

// Requests at fixed instants, whatever the server does.
export function constant(rate, duration, more) {
  return Object.assign(
    {
      executor: 'constant-arrival-rate',
      rate: Math.max(1, Math.round(rate)),
      timeUnit: '1s',
      duration,
      preAllocatedVUs: number('VUS', 64),
      maxVUs: number('MAX_VUS', 640),
      gracefulStop: '2s',
    },
    more,
  );
}

// Reported even where nothing was counted.
export const summaryTrendStats = ['min', 'med', 'p(90)', 'p(99)', 'p(99.9)', 'max'];
