import sys

from jsonapi_client import Filter, Inclusion, Modifier, Session
from jsonapi_client.exceptions import DocumentError
from requests import JSONDecodeError

NUMBER, STRING = {"type": ["null", "number"]}, {"type": ["null", "string"]}
SCHEMA = {
    "customers": {"properties": {"name": STRING, "region": STRING, "credit_limit": NUMBER}},
    "orders": {"properties": {
        "amount_total": NUMBER,
        "customer": {"relation": "to-one", "resource": ["customers"]},
        "items": {"relation": "to-many", "resource": ["items"]},
    }},
    "items": {"properties": {"quantity": NUMBER, "product": {"relation": "to-one", "resource": ["products"]}}},
    "products": {"properties": {"name": STRING}},
}

with Session(sys.argv[1], schema=SCHEMA) as session:

    def done(step):
        print(f"{step}: ok")

    assert len(session.get("customers").resources) == 6
    done("list")

    # It follows links.next by itself.
    assert len(list(session.iterate("items", Modifier("page[size]=4")))) == 9
    done("pages")

    found = session.get("items", Filter(product="1") + Modifier("filter[quantity][gt]=4")).resources
    assert [item.id for item in found] == ["1", "9"]
    done("filter")

    order = session.get("orders", Inclusion("customer", "items.product") + Filter(id="1")).resources[0]
    assert order.customer.name == "Lantern Quay"
    assert [item.product.name for item in order.items] == ["Black tea", "Bicycle bell"]
    done("include")

    # It writes underscores in keyword arguments as dashes: names as they are go into a dictionary.
    customer = session.create("customers", fields={"name": "Made by a client", "credit_limit": 250.5})
    customer.commit()
    assert customer.id
    done("create")

    customer.region = "Coast"
    customer.commit()
    assert session.get("customers", str(customer.id)).resource.region == "Coast"
    done("change")

    gone = str(customer.id)
    customer.delete()
    try:
        customer.commit()
    except JSONDecodeError:
        pass  # It looks for a document in every answer, in a 204 too.
    try:
        Session(sys.argv[1]).get("customers", gone)
    except DocumentError as refused:
        assert refused.errors["status_code"] == 404
    else:
        raise AssertionError("still there")
    done("remove")
