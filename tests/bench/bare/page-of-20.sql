\set skip 20 * random(0, 9)
select id, customer_id, order_date, date_shipped, amount_total, notes from orders order by id limit 21 offset :skip;
