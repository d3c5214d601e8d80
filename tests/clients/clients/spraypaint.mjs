import 'isomorphic-fetch';
import spraypaint from 'spraypaint';
import { assert, base, CUSTOMER, play } from '../play.mjs';

const { SpraypaintBase, attr, belongsTo, hasMany } = spraypaint;
const [, origin, path] = base.match(/^(https?:\/\/[^/]+)(.*)$/);
const ApplicationRecord = SpraypaintBase.extend({
  static: { baseUrl: origin, apiNamespace: path, keyCase: { server: 'snake', client: 'snake' } },
});
const Product = ApplicationRecord.extend({ static: { jsonapiType: 'products' }, attrs: { name: attr() } });
const Item = ApplicationRecord.extend({
  static: { jsonapiType: 'items' },
  attrs: { quantity: attr(), amount: attr(), product: belongsTo('products') },
});
const Order = ApplicationRecord.extend({
  static: { jsonapiType: 'orders' },
  attrs: { order_date: attr(), amount_total: attr(), customer: belongsTo('customers'), items: hasMany('items') },
});
const Customer = ApplicationRecord.extend({
  static: { jsonapiType: 'customers' },
  attrs: { name: attr(), region: attr(), credit_limit: attr(), balance: attr(), orders: hasMany('orders') },
});
let customer;

await play({
  async list() {
    const { data } = await Customer.order({ name: 'desc' }).all();
    assert.equal(data.length, 6);
  },
  async pages() {
    const seen = [];
    for (let page = 1, more = true; more; page += 1) {
      const { data } = await Item.page(page).per(4).all();
      seen.push(...data.map((item) => item.id));
      more = data.length === 4;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const { data } = await Item.where({ product: '1', quantity: { gt: 4 } }).all();
    assert.deepEqual(data.map((item) => item.id), ['1', '9']);
  },
  async include() {
    const { data } = await Order.includes(['customer', { items: 'product' }]).find('1');
    assert.equal(data.customer.name, 'Lantern Quay');
    assert.equal(data.items[0].product.name, 'Black tea');
  },
  async create() {
    customer = new Customer(CUSTOMER);
    assert.equal(await customer.save(), true);
    assert.equal(customer.balance, 0);
  },
  async change() {
    customer.region = 'Coast';
    assert.equal(await customer.save(), true);
    customer.credit_limit = -1;
    customer.name = null;
    assert.equal(await customer.save(), false);
    assert.match(customer.errors.name.message, /null/);
    customer.name = CUSTOMER.name;
    customer.credit_limit = CUSTOMER.credit_limit;
  },
  async remove() {
    assert.equal(await customer.destroy(), true);
    await assert.rejects(Customer.find(customer.id));
  },
});
void Product;
