// What every client has to do, and how it is told: node clients/kitsu.mjs http://127.0.0.1:8080/api
import assert from 'node:assert/strict';

export const base = process.argv[2];
export { assert };

// The steps: reading all items of the shop page by page, those of one product, an order with its customer and items, and a customer's life.
const STEPS = ['list', 'pages', 'filter', 'include', 'create', 'change', 'remove'];

export async function play(steps) {
  for (const name of STEPS) {
    if (!steps[name]) {
      console.log(`${name}: the client cannot`);
      continue;
    }
    await steps[name]();
    console.log(`${name}: ok`);
  }
}

export const CUSTOMER = { name: 'Made by a client', credit_limit: 250.5 };
