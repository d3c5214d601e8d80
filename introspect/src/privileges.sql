select pg_catalog.quote_ident(current_user), n.nspname::text, c.relname::text,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.has_any_column_privilege(c.oid, 'INSERT')::text, pg_catalog.has_table_privilege(c.oid, 'DELETE')::text,
       (select pg_catalog.string_agg(a.attname::text, pg_catalog.chr(1)) from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and pg_catalog.has_column_privilege(c.oid, a.attnum, 'UPDATE'))
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
