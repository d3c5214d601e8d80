create table accounts (
    code varchar(40) not null primary key,
    overdraft_limit decimal(12, 2) not null default 0,
    deposited decimal(12, 2) not null default 0,
    withdrawn decimal(12, 2) not null default 0,
    balance decimal(12, 2) not null default 0
);
create table deposits (
    code varchar(40) not null primary key,
    account_id varchar(40) not null,
    amount decimal(12, 2) not null,
    foreign key (account_id) references accounts (code)
);
create table withdrawals (
    code varchar(40) not null primary key,
    account_id varchar(40) not null,
    amount decimal(12, 2) not null,
    foreign key (account_id) references accounts (code)
);
create table transfers (
    code varchar(40) not null primary key,
    payer_id varchar(40) not null,
    payee_id varchar(40) not null,
    amount decimal(12, 2) not null,
    constraint transfers_payer foreign key (payer_id) references accounts (code),
    constraint transfers_payee foreign key (payee_id) references accounts (code)
);
alter table accounts add paid decimal(12, 2) not null default 0;
alter table accounts add received decimal(12, 2) not null default 0;
