\set order random(1, 10000)
\set product random(1, 200)
begin;
select unit_price from products where id = :product for share \gset
select customer_id, date_shipped is null as open from orders where id = :order for no key update \gset
select balance, credit_limit from customers where id = :customer_id for no key update;
insert into items (order_id, product_id, quantity, unit_price, amount) values (:order, :product, 1, :unit_price, :unit_price) returning id;
update orders set amount_total = amount_total + :unit_price where id = :order;
update customers set balance = balance + :unit_price where id = :customer_id;
commit;
