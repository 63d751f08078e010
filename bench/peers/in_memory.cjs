// Checks in memory: rate-limiter-flexible. The argument is the seed.
"use strict";

const { RateLimiterMemory } = require("rate-limiter-flexible");

const ROUNDS = 7;
const CALLS = 100_000;

// Strings of 14 bytes, in an order of their own for each seed.
function keys(count, seed) {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  const numbers = new Set();
  while (numbers.size < count) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    numbers.add(Number((state >> 33n) % 1_000_000_000n));
  }
  return [...numbers].map((number) => "user:" + String(number).padStart(9, "0"));
}

async function measure(table, title, all) {
  const limiter = new RateLimiterMemory({ points: 4_000_000_000, duration: 3600 });
  const nanos = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call += 1) {
      await limiter.consume(all[call % all.length]);
    }
    if (round > 0) nanos.push(Number(process.hrtime.bigint() - start) / CALLS);
  }
  console.log(JSON.stringify({ table, title, subject: "Node: rate-limiter-flexible, memory", nanos }));
}

async function main() {
  const seed = Number(process.argv[2]);
  await measure("node-hot", "Node: one hot key, allowed", keys(1, seed));
  await measure("node-many", "Node: 100,000 keys, allowed", keys(100_000, seed));
  // Timers of what the limiter holds would keep the process alive.
  process.exit(0);
}

main();
