create table departments (
    name varchar(40) not null primary key,
    budget decimal(12, 2) not null,
    salaries decimal(12, 2) not null default 0,
    loans decimal(12, 2) not null default 0,
    staff integer not null default 0
);
create table employees (
    name varchar(40) not null primary key,
    salary decimal(12, 2) not null,
    works_for_id varchar(40),
    on_loan_id varchar(40),
    constraint employees_works_for foreign key (works_for_id) references departments (name) on delete set null,
    constraint employees_on_loan foreign key (on_loan_id) references departments (name)
);
