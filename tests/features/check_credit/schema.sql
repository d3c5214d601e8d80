create table customers (
    name varchar(40) not null primary key,
    credit_limit decimal(12, 2) not null,
    balance decimal(12, 2) not null default 0
);
create table products (
    name varchar(40) not null primary key,
    unit_price decimal(12, 2) not null
);
create table orders (
    code varchar(40) not null primary key,
    customer_id varchar(40) not null,
    date_shipped date,
    amount_total decimal(12, 2) not null default 0,
    foreign key (customer_id) references customers (name)
);
create table items (
    code varchar(40) not null primary key,
    order_id varchar(40) not null,
    product_id varchar(40) not null,
    quantity integer not null,
    unit_price decimal(12, 2) not null default 0,
    amount decimal(12, 2) not null default 0,
    foreign key (order_id) references orders (code) on delete cascade,
    foreign key (product_id) references products (name)
);
