create table products (
    name varchar(40) not null primary key,
    reorder_level integer not null,
    units_shipped integer not null default 0,
    units_in_stock integer not null,
    reorder boolean not null default false
);
create table orders (
    code varchar(40) not null primary key,
    date_shipped date
);
create table items (
    code varchar(40) not null primary key,
    order_id varchar(40) not null,
    product_id varchar(40) not null,
    quantity integer not null,
    shipped boolean not null default false,
    foreign key (order_id) references orders (code) on delete cascade,
    foreign key (product_id) references products (name)
);
