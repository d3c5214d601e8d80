-- Tables and views: schema, name, in default schema, view, comment, triggers, kind, without rowid.
select null, m.name, 'true', m.type = 'view', null,
       exists (select 1 from sqlite_master t where t.type = 'trigger' and t.tbl_name = m.name collate nocase),
       m.type, m.wr
  from pragma_table_list m
 where m.schema = 'main' and m.type in ('table', 'view', 'virtual')
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name;

-- Primary keys: schema, table, name, primary, column.
select null, m.name, 'primary', 'true', c.name
  from pragma_table_list m join pragma_table_xinfo(m.name) c
 where m.schema = 'main' and m.type = 'table' and c.pk > 0
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name, c.pk;

-- Unique keys: schema, table, name, primary, column.
select null, m.name, i.name, 'false', c.name
  from pragma_table_list m join pragma_index_list(m.name) i join pragma_index_info(i.name) c
 where m.schema = 'main' and m.type = 'table' and i."unique" and not i.partial and i.origin <> 'pk'
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name, i.name, c.seqno;

-- Foreign keys: schema, table, number, column, target schema, target table, target column, on delete, on update, deferred.
-- Names stand as they were written. Whether the check is deferred stands in no pragma: treating it as immediate is safe.
select null, m.name, f.id, f."from", null, f."table", f."to", f.on_delete, f.on_update, 'false'
  from pragma_table_list m join pragma_foreign_key_list(m.name) f
 where m.schema = 'main' and m.type = 'table'
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name, f.id, f.seq;

-- Indexes: schema, table, name, column (null: an expression). Without partial ones.
select null, m.name, i.name, c.name
  from pragma_table_list m join pragma_index_list(m.name) i join pragma_index_info(i.name) c
 where m.schema = 'main' and m.type = 'table' and not i.partial
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name, i.name, c.seqno;
