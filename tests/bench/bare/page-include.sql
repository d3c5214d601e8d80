\set skip 20 * random(0, 9)
select id, customer_id, order_date, date_shipped, amount_total, notes from orders order by id limit 21 offset :skip;
select id, order_id, product_id, quantity, unit_price, amount from items where order_id = any(array(select generate_series(:skip + 1, :skip + 20))) order by id;
select id, name, unit_price from products where id = any(array(select generate_series(:skip % 200 + 1, :skip % 200 + 20))) order by id;
