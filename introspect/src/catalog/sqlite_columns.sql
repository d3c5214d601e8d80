-- Columns of all tables, or of the one named: schema, table, name, declared type, not null, default, hidden (2, 3: generated),
-- whether it is the rowid itself. The only column of a primary key that no index holds is the rowid under another name.
select null, m.name, c.name, c.type, c."notnull", c.dflt_value, c.hidden,
       c.pk = 1 and m.wr = 0
       and not exists (select 1 from pragma_index_list(m.name) i where i.origin = 'pk')
  from pragma_table_list m join pragma_table_xinfo(m.name) c
 where m.schema = 'main' and (m.name = ?1 or (?1 is null and m.type = 'table')) and c.hidden <> 1
   and m.name not like 'sqlite\_%' escape '\'
 order by m.name, c.cid;
