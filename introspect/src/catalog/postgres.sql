-- Tables and views: schema, name, in default schema, view, comment, triggers.
-- Partitions, what extensions own and what this role cannot read is left out. A rule on a table rewrites writes as a trigger would.
select n.nspname::text, c.relname::text,
       coalesce(n.nspname = current_schema(), false)::text,
       (c.relkind in ('v', 'm'))::text,
       pg_catalog.obj_description(c.oid, 'pg_class'),
       (c.oid in (select t.tgrelid from pg_catalog.pg_trigger t where not t.tgisinternal and t.tgenabled in ('O', 'A'))
        or (c.relkind = 'p'
            and exists (select from pg_catalog.pg_partition_tree(c.oid) p
                          join pg_catalog.pg_trigger t on t.tgrelid = p.relid
                         where not t.tgisinternal and t.tgenabled in ('O', 'A')))
        or (c.relkind in ('r', 'p')
            and c.oid in (select w.ev_class from pg_catalog.pg_rewrite w where w.ev_type <> '1')))::text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   and pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
   and c.oid not in (select d.objid from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e')
 order by 1, 2;

-- Columns: schema, table, name, type for casts, base type, base type's kind, its modifier, oid of the enum, array, not null,
-- identity, generated, default, comment, loose collation. Domains are followed to their base; the modifier is that of the innermost that has one. Of an
-- array it is the base type of the elements. Only times keep their modifier in the type for casts: the digits of the second.
with recursive base (oid, base_oid, modifier, not_null, default_text) as (
    select t.oid, t.oid, -1, false, null::text collate "C" from pg_catalog.pg_type t where t.typtype <> 'd'
    union all
    select d.oid, b.base_oid, case when b.modifier = -1 then d.typtypmod else b.modifier end,
           b.not_null or d.typnotnull, coalesce(d.typdefault, b.default_text) collate "C"
      from base b join pg_catalog.pg_type d on d.typbasetype = b.oid and d.typtype = 'd'
)
select n.nspname::text, c.relname::text, a.attname::text,
       case when tn.nspname <> 'pg_catalog'
                 then pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname)
            when pg_catalog.ltrim(t.typname, '_') in ('time', 'timetz', 'timestamp', 'timestamptz')
                 then pg_catalog.format_type(t.oid, case when a.atttypmod <> -1 then a.atttypmod else b.modifier end)
            else pg_catalog.format_type(t.oid, -1) end,
       coalesce(e.typname, t.typname)::text, coalesce(e.typtype, t.typtype)::text,
       (case when a.atttypmod <> -1 then a.atttypmod else b.modifier end)::text,
       coalesce(e.oid, t.oid)::text, (e.oid is not null)::text, (a.attnotnull or b.not_null)::text,
       a.attidentity::text, a.attgenerated::text,
       coalesce(pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), b.default_text),
       pg_catalog.col_description(c.oid, a.attnum),
       coalesce(not co.collisdeterministic, false)::text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join base b on b.oid = a.atttypid
  join pg_catalog.pg_type t on t.oid = b.base_oid
  join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
  left join pg_catalog.pg_type e on e.typarray = t.oid
  left join pg_catalog.pg_collation co on co.oid = a.attcollation
  left join pg_catalog.pg_attrdef ad on ad.adrelid = c.oid and ad.adnum = a.attnum
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
 order by 1, 2, a.attnum;

-- Primary and unique keys: schema, table, name, primary, column.
select n.nspname::text, c.relname::text, i.relname::text, x.indisprimary::text, a.attname::text
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class i on i.oid = x.indexrelid
 cross join lateral unnest(x.indkey::int2[]) with ordinality as k (attnum, position)
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
 where x.indisunique and x.indisvalid and x.indpred is null and x.indexprs is null
   and k.position <= x.indnkeyatts
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3, k.position;

-- Foreign keys: schema, table, name, column, target schema, target table, target column, on delete, on update, deferred, kept on delete:
-- `set null (other)` leaves it alone (PostgreSQL 14 does not know that: hence the detour). Copies that belong to partitions have a parent.
select n.nspname::text, c.relname::text, f.conname::text, a.attname::text,
       pn.nspname::text, p.relname::text, pa.attname::text,
       f.confdeltype::text, f.confupdtype::text, f.condeferred::text,
       coalesce(not nullif(pg_catalog.to_jsonb(f) -> 'confdelsetcols', 'null') @> pg_catalog.to_jsonb(k.attnum), false)::text
  from pg_catalog.pg_constraint f
  join pg_catalog.pg_class c on c.oid = f.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = f.confrelid
  join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
 cross join lateral unnest(f.conkey, f.confkey) with ordinality as k (attnum, target_attnum, position)
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
  join pg_catalog.pg_attribute pa on pa.attrelid = p.oid and pa.attnum = k.target_attnum
 where f.contype = 'f' and f.conparentid = 0
 order by 1, 2, 3, k.position;

-- Words of enums: the type's oid, word.
select e.enumtypid::text, e.enumlabel::text from pg_catalog.pg_enum e order by e.enumtypid, e.enumsortorder;

-- Indexes by which rows are found: schema, table, name, column (null: an expression). Without partial ones.
select n.nspname::text, c.relname::text, i.relname::text, a.attname::text
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  join pg_catalog.pg_am m on m.oid = i.relam and m.amname in ('btree', 'hash')
 cross join lateral unnest(x.indkey::int2[]) with ordinality as k (attnum, position)
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
 where x.indisvalid and x.indpred is null and k.position <= x.indnkeyatts
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3, k.position;
