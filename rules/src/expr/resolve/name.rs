//! Names -> columns of the row, of rows above, of the old row; words of the language; the actor.

use std::ops::Range;

use introspect::{Column, ColumnId, Relationship, RelationshipId, Table, TableId};
use sqlparser::ast::Ident;

use super::{Context, Resolver, Typed, of_column};
use crate::expr::parse::Name;
use crate::expr::{ActorTerm, Event, Expr, Place, Type};
use crate::problem::did_you_mean;

impl Resolver<'_> {
    /// `column`, `parent.parent.column`, `old.column`, `actor.id`, or a word of the language.
    pub(super) fn path(&mut self, idents: &[Ident], span: Range<usize>) -> Option<Typed> {
        let names: Vec<Name> = idents.iter().map(|ident| Name::new(ident, &self.lines)).collect();
        let (last, parents) = names.split_last()?;
        match parents.first() {
            None => self.word(last, &span).unwrap_or_else(|| self.column(self.table, Vec::new(), last, span)),
            Some(first) if first.is_word("old") => self.old(&names, span),
            Some(first) if first.is_word("actor") => self.actor_member(&names, span),
            Some(_) => {
                let (path, table) = self.parents(parents)?;
                self.column(table, path, last, span)
            }
        }
    }

    /// Words that stand for something when they are not quoted.
    fn word(&mut self, name: &Name, span: &Range<usize>) -> Option<Option<Typed>> {
        let event = match name {
            _ if name.is_word("today") => {
                return Some(self.moment(Expr::Today, Type::Date, span.clone(), "`today`"));
            }
            _ if name.is_word("inserting") => Event::Inserting,
            _ if name.is_word("updating") => Event::Updating,
            _ if name.is_word("deleting") => Event::Deleting,
            _ => return None,
        };
        if !self.context.allows_old() {
            return Some(self.forbidden(span.clone(), &format!("`{}`", name.text)));
        }
        Some(Some(Typed { expr: Expr::Event(event), ty: Type::Bool, span: span.clone() }))
    }

    pub(super) fn moment(&mut self, expr: Expr, ty: Type, span: Range<usize>, what: &str) -> Option<Typed> {
        if !self.context.allows_moment() {
            return self.forbidden(span, what);
        }
        Some(Typed { expr, ty, span })
    }

    fn column(
        &mut self,
        table: TableId,
        path: Vec<RelationshipId>,
        name: &Name,
        span: Range<usize>,
    ) -> Option<Typed> {
        if self.context == Context::Preset {
            return self.forbidden(span, "a column");
        }
        let column = self.own_column(table, name)?;
        if self.context == Context::Policy && self.schema[table][column].is_virtual {
            let message = format!("`{}` is computed when its row is read", name.text);
            return self.refuse(span, message, "write here what it is computed from");
        }
        let ty = of_column(self.schema[table][column].ty);
        Some(Typed { expr: Expr::Column(Place { path, column }), ty, span })
    }

    /// A column of a table by its name.
    pub(super) fn own_column(&mut self, table: TableId, name: &Name) -> Option<ColumnId> {
        let here = &self.schema[table];
        let found = here.column(&name.text).filter(|id| self.shows(&here[*id]));
        if found.is_none() {
            let texts = "double quotes are for names: texts stand in single quotes";
            let hint = match self.column_hint(here, &name.text) {
                hint if name.quoted => format!("{hint} {texts}").trim_start().to_owned(),
                hint if hint.is_empty() && name.is_word("now") => "write now()".into(),
                hint => hint,
            };
            let message = format!("{} has no column `{}`", self.schema[table].name, name.text);
            self.refuse(name.span.clone(), message, hint);
        }
        found
    }

    /// The to-one relationships of a path, and the table at its end.
    fn parents(&mut self, names: &[Name]) -> Option<(Vec<RelationshipId>, TableId)> {
        let (mut path, mut table) = (Vec::new(), self.table);
        for name in names {
            if self.context == Context::Preset {
                self.forbidden(name.span.clone(), "a column");
                return None;
            }
            if self.context == Context::Where {
                self.refuse(
                    name.span.clone(),
                    "the `where` of an aggregate speaks of the child's own columns",
                    "derive a column of the child from its parent, and ask for that",
                );
                return None;
            }
            let relationship = self.parent(table, name)?;
            path.push(relationship);
            table = self.schema[table][relationship].target;
        }
        Some((path, table))
    }

    fn parent(&mut self, table: TableId, name: &Name) -> Option<RelationshipId> {
        let here = &self.schema[table];
        let found = here.relationship(&name.text).filter(|id| self.leads(&here[*id]));
        match found {
            Some(id) if here[id].to_one() => return Some(id),
            Some(_) => {
                let message = format!("`{}` leads to many rows", name.text);
                let hint = match self.context {
                    Context::Filter => format!("write filter[{}.…] beside this expression", name.text),
                    _ => "derive an aggregate over them, such as sum(children.column), and read that".into(),
                };
                self.refuse(name.span.clone(), message, hint);
            }
            None => {
                let message = format!("{} has no relationship `{}`", here.name, name.text);
                let hint = self.relationship_hint(here, &name.text);
                self.refuse(name.span.clone(), message, hint);
            }
        }
        None
    }

    fn old(&mut self, names: &[Name], span: Range<usize>) -> Option<Typed> {
        if !self.context.allows_old() {
            return self.forbidden(span, "`old.`");
        }
        let [_, name] = names else {
            return self.refuse(span, "`old.` reads the row's own columns", "write old.column");
        };
        let column = self.own_column(self.table, name)?;
        let ty = of_column(self.schema[self.table][column].ty);
        Some(Typed { expr: Expr::Old(column), ty, span })
    }

    fn actor_member(&mut self, names: &[Name], span: Range<usize>) -> Option<Typed> {
        if !self.context.allows_actor() {
            return self.forbidden(span, "`actor`");
        }
        match names {
            [_, id] if id.is_word("id") => {
                Some(Typed { expr: Expr::Actor(ActorTerm::Id), ty: Type::Text, span })
            }
            _ => self.refuse(
                span,
                "the actor has no such member",
                "there are actor.id, actor.claim('name') and actor.has_role('name')",
            ),
        }
    }

    /// Clients know nothing of hidden columns and tables; rules do.
    fn shows(&self, column: &Column) -> bool {
        self.context != Context::Filter || !column.hidden
    }

    fn leads(&self, relationship: &Relationship) -> bool {
        self.context != Context::Filter || !(relationship.hidden || self.schema[relationship.target].hidden)
    }

    fn column_hint(&self, table: &Table, name: &str) -> String {
        let names = table.columns.iter().filter(|c| self.shows(c)).map(|c| c.name.as_str());
        match table.relationship(name).filter(|id| self.leads(&table[*id])) {
            Some(id) if table[id].to_one() => format!("`{name}` is a relationship: write {name}.column"),
            Some(_) if self.context == Context::Filter => {
                format!("`{name}` leads to many rows: write filter[{name}] beside this expression")
            }
            Some(_) => format!("`{name}` leads to many rows: derive an aggregate over them, and read that"),
            None => did_you_mean(name, names).unwrap_or_default(),
        }
    }

    fn relationship_hint(&self, table: &Table, name: &str) -> String {
        if name == table.name {
            return "the row's own columns are written without a table".into();
        }
        let shown = table.relationships.iter().filter(|r| r.to_one() && self.leads(r));
        let names: Vec<&str> = shown.map(|r| r.name.as_str()).collect();
        did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
            if names.is_empty() { String::new() } else { format!("there are: {}", names.join(", ")) }
        })
    }
}
