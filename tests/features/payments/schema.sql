create table customers (
    name varchar(40) not null primary key,
    owed decimal(12, 2) not null default 0,
    open_orders integer not null default 0
);
create table orders (
    code varchar(40) not null primary key,
    customer_id varchar(40) not null,
    amount decimal(12, 2) not null,
    paid decimal(12, 2) not null default 0,
    owed decimal(12, 2) not null default 0,
    foreign key (customer_id) references customers (name)
);
create table payments (
    code varchar(40) not null primary key,
    order_id varchar(40),
    amount decimal(12, 2) not null,
    cleared boolean not null default false,
    foreign key (order_id) references orders (code)
);
