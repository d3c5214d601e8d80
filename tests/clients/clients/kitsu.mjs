import Kitsu from 'kitsu';
import { assert, base, CUSTOMER, play } from '../play.mjs';

const api = new Kitsu({ baseURL: base, camelCaseTypes: false, pluralize: false });
let id;

await play({
  async list() {
    const { data } = await api.get('customers', { params: { sort: 'name' } });
    assert.equal(data.length, 6);
    assert.equal(data.find((customer) => customer.id === '1').points, '9007199254740993');
  },
  async pages() {
    const seen = [];
    for (let number = 1, more = true; more; number += 1) {
      const { data, links } = await api.get('items', { params: { page: { number, size: 4 } } });
      seen.push(...data.map((item) => item.id));
      more = links.next !== null;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const { data } = await api.get('items', { params: { filter: { product: '1', quantity: { gt: 4 } } } });
    assert.deepEqual(data.map((item) => item.id), ['1', '9']);
  },
  async include() {
    const { data } = await api.get('orders/1', { params: { include: 'customer,items.product' } });
    assert.equal(data.customer.data.name, 'Lantern Quay');
    assert.equal(data.items.data.length, 2);
    assert.equal(data.items.data[0].product.data.name, 'Black tea');
  },
  async create() {
    const { data } = await api.create('customers', CUSTOMER);
    id = data.id;
    assert.equal(data.balance, 0);
  },
  async change() {
    const { data } = await api.update('customers', { id, region: 'Coast' });
    assert.equal(data.region, 'Coast');
  },
  async remove() {
    await api.remove('customers', id);
    await assert.rejects(api.get(`customers/${id}`));
  },
});
