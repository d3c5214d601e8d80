import devour from 'devour-client';
import { assert, base, CUSTOMER, play } from '../play.mjs';

const JsonApi = devour.default ?? devour;
const api = new JsonApi({ apiUrl: base, pluralize: false, logger: false });
api.define('customers', { name: '', region: '', credit_limit: 0, balance: '', orders: { jsonApi: 'hasMany', type: 'orders' } });
api.define('orders', {
  order_date: '', amount_total: 0,
  customer: { jsonApi: 'hasOne', type: 'customers' },
  items: { jsonApi: 'hasMany', type: 'items' },
});
api.define('items', { quantity: 0, product: { jsonApi: 'hasOne', type: 'products' } });
api.define('products', { name: '' });
let id;

await play({
  async list() {
    const { data } = await api.findAll('customers', { sort: '-name' });
    assert.equal(data.length, 6);
  },
  async pages() {
    const seen = [];
    for (let offset = 0, more = true; more; offset += 4) {
      const { data, links } = await api.findAll('items', { page: { offset, limit: 4 } });
      seen.push(...data.map((item) => item.id));
      more = links.next !== null;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const { data } = await api.findAll('items', { filter: { product: '1', quantity: { gt: 4 } } });
    assert.deepEqual(data.map((item) => item.id), ['1', '9']);
  },
  async include() {
    const { data } = await api.find('orders', 1, { include: 'customer,items.product' });
    assert.equal(data.customer.name, 'Lantern Quay');
    assert.equal(data.items[0].product.name, 'Black tea');
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
    await api.destroy('customers', id);
    await assert.rejects(api.find('customers', id));
  },
});
