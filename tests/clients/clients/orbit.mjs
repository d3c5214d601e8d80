import { JSONAPISource, JSONAPISerializers } from '@orbit/jsonapi';
import { RecordKeyMap, RecordSchema } from '@orbit/records';
import { buildSerializerSettingsFor } from '@orbit/serializers';
import { assert, base, CUSTOMER, play } from '../play.mjs';

const number = { type: 'number' };
const string = { type: 'string' };
const one = (type) => ({ kind: 'hasOne', type });
const many = (type) => ({ kind: 'hasMany', type });
const model = (attributes, relationships) => ({ keys: { remoteId: {} }, attributes, relationships });
const schema = new RecordSchema({
  models: {
    customers: model({ name: string, region: string, credit_limit: number, balance: number }, { orders: many('orders') }),
    orders: model({ order_date: string, amount_total: number }, { customer: one('customers'), items: many('items') }),
    items: model({ quantity: number }, { order: one('orders'), product: one('products') }),
    products: model({ name: string }, {}),
  },
});
const verbatim = { serializationOptions: { inflectors: [] } };
// The ids are the server's: its own ones Orbit keeps beside them.
const keyMap = new RecordKeyMap();
const ids = (records) => records.map((record) => record.keys.remoteId);
const byId = (type, value) => ({ type, key: 'remoteId', value });
const api = new JSONAPISource({
  schema,
  keyMap,
  name: 'shop',
  host: base,
  serializerSettingsFor: buildSerializerSettingsFor({
    settingsByType: {
      [JSONAPISerializers.ResourceType]: verbatim,
      [JSONAPISerializers.ResourceTypePath]: verbatim,
      [JSONAPISerializers.ResourceField]: verbatim,
      [JSONAPISerializers.ResourceFieldParam]: verbatim,
      [JSONAPISerializers.ResourceFieldPath]: verbatim,
    },
  }),
});
let customer;

await play({
  async list() {
    assert.equal((await api.query((q) => q.findRecords('customers').sort('-name'))).length, 6);
  },
  async pages() {
    const seen = [];
    for (let offset = 0, more = true; more; offset += 4) {
      const found = await api.query((q) => q.findRecords('items').page({ offset, limit: 4 }));
      seen.push(...ids(found));
      more = found.length === 4;
    }
    assert.equal(seen.length, 9);
  },
  async filter() {
    const found = await api.query((q) => q.findRecords('items').filter({ attribute: 'quantity', value: 10 }));
    assert.deepEqual(ids(found), ['1']);
  },
  async include() {
    const answer = await api.query((q) => q.findRecord(byId('orders', '1')), {
      fullResponse: true, include: ['customer', 'items.product'],
    });
    assert.equal(answer.details[0].document.included.length, 5);
  },
  async create() {
    customer = await api.update((t) => t.addRecord({ type: 'customers', attributes: CUSTOMER }));
    assert.equal(customer.attributes.balance, 0);
  },
  async change() {
    await api.update((t) => t.replaceAttribute(customer, 'region', 'Coast'));
    const fresh = await api.query((q) => q.findRecord(customer));
    assert.equal(fresh.attributes.region, 'Coast');
    const related = await api.query((q) => q.findRelatedRecords(byId('orders', '1'), 'items'));
    assert.equal(related.length, 2);
  },
  async remove() {
    await api.update((t) => t.removeRecord(customer));
    assert.equal(await api.query((q) => q.findRecord(customer)), undefined);
  },
});
