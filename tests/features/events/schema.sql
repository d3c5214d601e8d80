create table regions (
    name varchar(40) not null primary key,
    tax_rate decimal(4, 2) not null
);
create table customers (
    name varchar(40) not null primary key,
    region_id varchar(40),
    credit_limit decimal(12, 2) not null,
    owed decimal(12, 2) not null default 0,
    order_count integer not null default 0,
    foreign key (region_id) references regions (name) on delete set null
);
create table batches (
    code varchar(40) not null primary key,
    sealed boolean not null default false
);
create table orders (
    code varchar(40) not null primary key,
    customer_id varchar(40),
    batch_id varchar(40),
    amount decimal(12, 2) not null,
    counts boolean,
    note varchar(40),
    priority varchar(40),
    tax decimal(12, 2) not null default 0,
    credit decimal(12, 2),
    foreign key (customer_id) references customers (name) on delete set null,
    foreign key (batch_id) references batches (code) on delete cascade
);
