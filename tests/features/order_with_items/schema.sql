create table orders (
    code varchar(40) not null primary key,
    placed boolean not null default false,
    item_count integer not null default 0
);
create table items (
    code varchar(40) not null primary key,
    order_id varchar(40) not null,
    quantity integer not null,
    foreign key (order_id) references orders (code) on delete cascade
);
