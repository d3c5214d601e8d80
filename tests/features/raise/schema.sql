create table employees (
    name varchar(40) not null primary key,
    title varchar(40),
    salary decimal(12, 2) not null
);
