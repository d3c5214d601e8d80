import provider from 'ra-jsonapi-client';
import { assert, base, CUSTOMER, play } from '../play.mjs';

// It looks for a user in a browser's storage.
globalThis.localStorage = { getItem: () => null };

const ask = (provider.default ?? provider)(base);
const page = (number) => ({ pagination: { page: number, perPage: 4 }, sort: { field: 'id', order: 'ASC' }, filter: {} });
let id;

await play({
  async list() {
    const { data } = await ask('GET_LIST', 'customers', page(1));
    assert.equal(data.length, 4);
  },
  async pages() {
    const seen = [];
    for (let number = 1, more = true; more; number += 1) {
      const { data } = await ask('GET_LIST', 'items', page(number));
      seen.push(...data.map((item) => item.id));
      more = data.length === 4;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const { data } = await ask('GET_MANY', 'items', { ids: ['2', '5'] });
    assert.deepEqual(data.map((item) => item.id), ['2', '5']);
    const of = await ask('GET_MANY_REFERENCE', 'items', { ...page(1), target: 'order', id: '4' });
    assert.equal(of.data.length, 3);
  },
  async create() {
    const { data } = await ask('CREATE', 'customers', { data: CUSTOMER });
    id = data.id;
    assert.equal(data.balance, 0);
  },
  async change() {
    // The whole resource goes back, derived attributes too.
    const { data: whole } = await ask('GET_ONE', 'customers', { id });
    const { data } = await ask('UPDATE', 'customers', { id, data: { ...whole, region: 'Coast' } });
    assert.equal(data.region, 'Coast');
  },
  async remove() {
    await ask('DELETE', 'customers', { id });
    await assert.rejects(ask('GET_ONE', 'customers', { id }));
  },
});
