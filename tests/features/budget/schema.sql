create table years (
    year int not null primary key,
    spent decimal(12, 2) not null default 0,
    budget decimal(12, 2)
);
create table quarters (
    year int not null,
    quarter int not null,
    spent decimal(12, 2) not null default 0,
    primary key (year, quarter),
    foreign key (year) references years (year)
);
create table months (
    year int not null,
    quarter int not null,
    month int not null,
    spent decimal(12, 2) not null default 0,
    entries integer not null default 0,
    primary key (year, quarter, month),
    foreign key (year, quarter) references quarters (year, quarter)
);
create table spendings (
    code varchar(40) not null primary key,
    year int not null,
    quarter int not null,
    month int not null,
    amount decimal(12, 2) not null,
    foreign key (year, quarter, month) references months (year, quarter, month)
);
