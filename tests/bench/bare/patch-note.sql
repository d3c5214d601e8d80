\set id random(1, 10000)
update orders set notes = 'ring' where id = :id returning id, customer_id, order_date, date_shipped, amount_total, notes;
