\set id random(1, 10000)
select id, customer_id, order_date, date_shipped, amount_total, notes from orders where id = :id;
