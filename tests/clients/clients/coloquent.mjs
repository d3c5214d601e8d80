import coloquent from 'coloquent';
import { assert, base, CUSTOMER, play } from '../play.mjs';

const { Model, PaginationStrategy, SortDirection } = coloquent;

class Base extends Model {
  static paginationStrategy = PaginationStrategy.PageBased;
  static pageSize = 4;
  getJsonApiBaseUrl() { return base; }
}
class Product extends Base { jsonApiType = 'products'; }
class Item extends Base {
  jsonApiType = 'items';
  product() { return this.hasOne(Product); }
}
class Customer extends Base { jsonApiType = 'customers'; readOnlyAttributes = ['balance', 'order_count']; }
class Order extends Base {
  jsonApiType = 'orders';
  customer() { return this.hasOne(Customer); }
  items() { return this.hasMany(Item); }
}
let customer;

await play({
  async list() {
    const answer = await Customer.orderBy('name', SortDirection.DESC).get();
    assert.equal(answer.getData().length, 4);
  },
  async pages() {
    const seen = [];
    for (let page = 1, more = true; more; page += 1) {
      const data = (await Item.get(page)).getData();
      seen.push(...data.map((item) => item.getApiId()));
      more = data.length === 4;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const answer = await Item.where('product', '1').where('quantity', '10').get();
    assert.deepEqual(answer.getData().map((item) => item.getApiId()), ['1']);
  },
  async include() {
    const order = (await Order.with(['customer', 'items.product']).find('1')).getData();
    assert.equal(order.getRelation('customer').getAttribute('name'), 'Lantern Quay');
    assert.equal(order.getRelation('items')[0].getRelation('product').getAttribute('name'), 'Black tea');
  },
  async create() {
    customer = new Customer();
    for (const [name, value] of Object.entries(CUSTOMER)) customer.setAttribute(name, value);
    await customer.save();
    assert.ok(customer.getApiId());
  },
  async change() {
    customer.setAttribute('region', 'Coast');
    await customer.save();
    const fresh = (await Customer.find(customer.getApiId())).getData();
    assert.equal(fresh.getAttribute('region'), 'Coast');
  },
  async remove() {
    await customer.delete();
    await assert.rejects(Customer.find(customer.getApiId()));
  },
});
