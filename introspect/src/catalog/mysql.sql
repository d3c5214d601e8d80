-- Tables and views of the connection's database: schema, name, in default schema, view, comment, triggers.
-- A view's comment is the word VIEW. `distinct` keeps a subquery from being run for each row, which takes seconds on many tables.
select null, t.table_name, 'true', if(t.table_type = 'VIEW', 'true', 'false'),
       if(t.table_type = 'VIEW', null, t.table_comment),
       if(g.name is null, 'false', 'true')
  from information_schema.tables t
  left join (select distinct event_object_table as name from information_schema.triggers
              where event_object_schema = database()) g on g.name = t.table_name
 where t.table_schema = database() and t.table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
 order by 2;

-- Columns: schema, table, name, type, type in full, length, precision, scale, nullable, default, extra, generated, comment, how
-- defaults are written: MariaDB as SQL; MySQL literals bare, and expressions marked in `extra`.
select null, c.table_name, c.column_name, c.data_type, c.column_type,
       cast(c.character_maximum_length as char), cast(c.numeric_precision as char), cast(c.numeric_scale as char),
       if(c.is_nullable = 'YES', 'true', 'false'), c.column_default, c.extra, c.generation_expression, c.column_comment,
       if(version() like '%MariaDB%', 'sql', 'bare')
  from information_schema.columns c
 where c.table_schema = database()
 order by c.table_name, c.ordinal_position;

-- Primary and unique keys: schema, table, name, primary, column (null when only a prefix or an expression is held unique).
select null, s.table_name, s.index_name, if(s.index_name = 'PRIMARY', 'true', 'false'),
       if(s.sub_part is null, s.column_name, null)
  from information_schema.statistics s
 where s.table_schema = database() and s.non_unique = 0
 order by s.table_name, s.index_name, s.seq_in_index;

-- Foreign keys: schema, table, name, column, target schema, target table, target column, on delete, on update, deferred.
select null, k.table_name, k.constraint_name, k.column_name, null, k.referenced_table_name, k.referenced_column_name,
       r.delete_rule, r.update_rule, 'false'
  from information_schema.key_column_usage k
  join (select distinct table_name, constraint_name, delete_rule, update_rule
          from information_schema.referential_constraints where constraint_schema = database()) r
    on r.table_name = k.table_name and r.constraint_name = k.constraint_name
 where k.table_schema = database() and k.constraint_schema = database() and k.referenced_table_schema = database()
 order by k.table_name, k.constraint_name, k.ordinal_position;

-- Columns that hold JSON under MariaDB, where json is longtext with a check: table, check. MySQL skips the comment.
select /*M! k.table_name, k.check_clause from information_schema.check_constraints k
         where k.constraint_schema = database() and k.check_clause like 'json_valid(`%`)' union all select */ null, null;

-- Indexes by which rows are found: schema, table, name, column (null: an expression).
select null, s.table_name, s.index_name, s.column_name
  from information_schema.statistics s
 where s.table_schema = database() and s.index_type in ('BTREE', 'HASH')
 order by s.table_name, s.index_name, s.seq_in_index;
