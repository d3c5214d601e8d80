import sys

import jsonapi_requests
from jsonapi_requests.orm import AttributeField, ApiModel, OrmApi, RelationField

api = OrmApi.config({"API_ROOT": sys.argv[1], "VALIDATE_SSL": False, "TIMEOUT": 20})


class Customer(ApiModel):
    class Meta:
        type = "customers"
        api = api

    name = AttributeField("name")
    region = AttributeField("region")
    credit_limit = AttributeField("credit_limit")
    balance = AttributeField("balance")
    orders = RelationField("orders")


class Order(ApiModel):
    class Meta:
        type = "orders"
        api = api

    amount_total = AttributeField("amount_total")
    customer = RelationField("customer")
    items = RelationField("items")


class Item(ApiModel):
    class Meta:
        type = "items"
        api = api

    quantity = AttributeField("quantity")
    product = RelationField("product")


class Product(ApiModel):
    class Meta:
        type = "products"
        api = api

    name = AttributeField("name")


def done(step):
    print(f"{step}: ok")


assert len(Customer.get_list(params={"sort": "-name"})) == 6
done("list")

seen, number = [], 1
while True:
    answer = api.endpoint("items").get(params={"page[number]": number, "page[size]": 4})
    seen += [item.id for item in answer.data]
    if answer.payload["links"]["next"] is None:
        break
    number += 1
assert len(seen) == 9, seen
done("pages")

found = Item.get_list(params={"filter[product]": "1", "filter[quantity][gt]": 4})
assert [item.id for item in found] == ["1", "9"]
done("filter")

answer = api.endpoint("orders/1").get(params={"include": "customer,items.product"})
order = Order.from_response_content(answer.content)
assert order.customer.name == "Lantern Quay"
assert [item.product.name for item in order.items] == ["Black tea", "Bicycle bell"]
done("include")

customer = Customer()
customer.name, customer.credit_limit = "Made by a client", 250.5
customer.create()
assert customer.id and customer.balance == 0
done("create")

# It sends the whole resource back: derived attributes, relationships and links too.
customer = Customer.from_id(customer.id)
customer.refresh()
customer.region = "Coast"
customer.update()
assert Customer.from_response_content(api.endpoint(f"customers/{customer.id}").get().content).region == "Coast"
done("change")

customer.delete()
try:
    api.endpoint(f"customers/{customer.id}").get()
except jsonapi_requests.request_factory.ApiClientError as refused:
    assert refused.status_code == 404
else:
    raise AssertionError("still there")
done("remove")
