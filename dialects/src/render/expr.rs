//! Scalar expressions. Whatever has an operator stands in parentheses, so that precedence never matters.

use std::borrow::Cow;

use bigdecimal::Zero;

use super::{Param, Writer, mysql, postgres, sqlite};
use crate::sql::{BinaryOp, CastType, Expr, Function, SqlType};
use crate::{Dialect, Value, ValueType};

impl Writer {
    /// Any expression.
    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(alias, name) => self.column(*alias, name),
            Expr::Param(value, ty) => self.param(value, ty.as_ref()),
            Expr::Null => self.push("null"),
            Expr::Bool(truth) => self.truth(*truth),
            Expr::Number(number) => self.number(*number),
            Expr::Verbatim(text) => {
                self.push("(");
                self.push(text);
                self.push(")");
            }
            Expr::Binary(op, left, right) => self.binary(*op, left, right),
            Expr::And(terms) => self.junction(terms, " and ", true),
            Expr::Or(terms) => self.junction(terms, " or ", false),
            Expr::Not(inner) => self.wrapped("(not ", inner, ")"),
            Expr::Negate(inner) => self.negate(inner),
            Expr::IsNull(inner, yes) => {
                self.push("(");
                self.null_test(inner);
                self.push(if *yes { " is null)" } else { " is not null)" });
            }
            Expr::Distinct(left, right, yes) => self.distinct(left, right, *yes),
            Expr::In(inner, values, ty) => self.member(inner, values, ty),
            Expr::InExprs(inner, list) => self.member_exprs(inner, list),
            Expr::KeyIn(parts, types, keys) => self.key_member(parts, types, keys),
            Expr::Exists(select) => {
                self.push("exists (");
                self.select(select);
                self.push(")");
            }
            Expr::Scalar(select) => {
                self.push("(");
                self.select(select);
                self.push(")");
            }
            Expr::Call(function, arguments) => self.call(*function, arguments),
            Expr::CountAll => self.push("count(*)"),
            Expr::Case(branches, otherwise) => self.case(branches, otherwise.as_deref()),
            Expr::Cast(inner, ty) => self.cast(inner, ty),
            Expr::Decimal(inner) => self.decimal(inner),
            Expr::Kept(inner, ty) => self.kept(inner, *ty),
            Expr::Now => self.push(match self.dialect {
                Dialect::Postgres => "now()",
                Dialect::Mysql => "now(6)",
                Dialect::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
            }),
            Expr::Today => self.push(match self.dialect {
                Dialect::Postgres => "((now() at time zone 'UTC')::date)",
                Dialect::Mysql => "utc_date()",
                Dialect::Sqlite => "date('now')",
            }),
            Expr::Exact(inner) => self.exact(inner),
            Expr::Like { text, pattern, insensitive } => self.like(text, pattern, *insensitive),
        }
    }

    /// An expression between two pieces of text.
    pub(super) fn wrapped(&mut self, before: &str, expr: &Expr, after: &str) {
        self.push(before);
        self.expr(expr);
        self.push(after);
    }

    /// A parameter, cast where the dialect needs to be told its type.
    pub(super) fn param(&mut self, value: &Value, ty: Option<&SqlType>) {
        let value = &*match (self.dialect, ty) {
            (Dialect::Mysql, Some(ty)) => mysql::of_column(value, ty),
            _ => Cow::Borrowed(value),
        };
        match (self.dialect, value) {
            (Dialect::Postgres, _) => {
                self.value(value);
                let ty = ty.map(postgres::parameter_type).or(postgres::type_of(value).map(str::to_owned));
                self.cast_suffix(ty.as_deref(), "");
            }
            // As a string it would be compared in binary floating point.
            // As a parameter a date has a time.
            (Dialect::Mysql, Value::Date(_)) if ty.is_none() => {
                self.push("cast(");
                self.value(value);
                self.push(" as date)");
            }
            (Dialect::Mysql, Value::Decimal(decimal)) => {
                // One text for all values of a column; a constant with no more digits than it has, for products to have room.
                let own = decimal.fractional_digit_count().clamp(0, 38);
                let scale = if ty.is_some() { 30 } else { own };
                self.push("cast(");
                self.value(value);
                self.push(&format!(" as decimal(65,{scale}))"));
            }
            (Dialect::Mysql | Dialect::Sqlite, _) => self.value(value),
        }
    }

    /// PostgreSQL's `::type`, with `[]` for arrays.
    pub(super) fn cast_suffix(&mut self, ty: Option<&str>, array: &str) {
        if let Some(ty) = ty {
            self.push("::");
            self.push(ty);
            self.push(array);
        }
    }

    fn truth(&mut self, truth: bool) {
        self.push(match (self.dialect, truth) {
            (Dialect::Postgres, true) => "true",
            (Dialect::Postgres, false) => "false",
            (_, true) => "1",
            (_, false) => "0",
        });
    }

    fn number(&mut self, number: i64) {
        let text = if number < 0 { format!("({number})") } else { number.to_string() };
        self.push(&text);
    }

    fn junction(&mut self, terms: &[Expr], word: &str, empty: bool) {
        match terms {
            [] => self.truth(empty),
            [one] => self.expr(one),
            _ => match terms.iter().position(can_fail) {
                Some(at) => self.lazily(terms.split_at(at.max(1)), word, empty),
                None => {
                    self.push("(");
                    self.list(terms, word, Self::expr);
                    self.push(")");
                }
            },
        }
    }

    /// SQLite computes both sides of `and` and `or`, and all databases move the terms of a WHERE about, or leave out what a constant decides.
    /// What can fail is computed only where what stands before it does not decide, and there always. Of both halves the smaller one is written
    /// twice, when both can fail.
    fn lazily(&mut self, (before, after): (&[Expr], &[Expr]), word: &str, neutral: bool) {
        let twice = !before.iter().any(can_fail) || size(before) <= size(after);
        let (outside, guarding): (Vec<&Expr>, Vec<&Expr>) =
            before.iter().partition(|term| neutral && twice && may_stand_outside(term, self.dialect));
        self.push("(");
        for term in outside {
            self.expr(term);
            self.push(word);
        }
        self.push("case ");
        self.junction(before, word, neutral);
        self.push(" when ");
        self.truth(!neutral);
        self.push(" then ");
        self.truth(!neutral);
        if twice && guarding.is_empty() {
            self.push(" else (");
        } else if twice {
            self.push(" else (");
            self.junction(before, word, neutral);
            self.push(word);
        } else {
            self.push(" when ");
            self.truth(neutral);
            self.push(" then ");
            self.junction(after, word, neutral);
            self.push(" else (null");
            self.push(word);
        }
        self.junction(after, word, neutral);
        self.push(") end)");
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        self.strictly(&[left, right], |writer| writer.operation(op, left, right));
    }

    /// MySQL looks at nothing that stands behind a null. What can fail there is computed all the same, as it is elsewhere: where the whole
    /// is null, for that alone.
    pub(super) fn strictly(&mut self, operands: &[&Expr], whole: impl FnOnce(&mut Self)) {
        let unseen: Vec<&Expr> = operands.iter().skip(1).copied().filter(|e| can_fail(e)).collect();
        if self.dialect != Dialect::Mysql || unseen.is_empty() {
            return whole(self);
        }
        self.push("coalesce(");
        whole(self);
        for operand in unseen {
            self.push(", case when ");
            self.null_test(operand);
            self.push(" is null then null end");
        }
        self.push(")");
    }

    /// Null where one of the operands is; else the whole.
    pub(super) fn unless_null(&mut self, operands: &[&Expr], whole: impl FnOnce(&mut Self)) {
        self.push("(case when ");
        self.list(operands, " + ", |writer, operand| {
            writer.push("(");
            writer.null_test(operand);
            writer.push(" is null)");
        });
        self.push(" > 0 then null else ");
        whole(self);
        self.push(" end)");
    }

    /// MySQL does not compute what it knows not to be null, and knows nothing of ELT.
    fn null_test(&mut self, operand: &Expr) {
        match self.dialect == Dialect::Mysql && can_fail(operand) {
            true => self.wrapped("elt(1, ", operand, ")"),
            false => self.expr(operand),
        }
    }

    fn operation(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        if self.dialect == Dialect::Sqlite
            && let (Expr::Kept(stored, _), Expr::Param(value, _)) = (left, right)
            && let Some(range) = sqlite::range(op, std::slice::from_ref(value))
        {
            return self.within(stored, range, |writer| writer.infix(left, operator(op), right));
        }
        match (op, self.dialect) {
            (BinaryOp::Eq, _) if exact_with_param(left, right) => self.exact_eq(left, right),
            (BinaryOp::Div, _) => self.division(left, right),
            // MariaDB's remainder can be a negative zero, which it takes for less than zero.
            (BinaryOp::Rem, Dialect::Mysql) => {
                self.wrapped("((", left, " % ");
                self.divisor(right);
                self.push(") + 0)");
            }
            (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Rem, Dialect::Sqlite) => {
                self.function(sqlite_arithmetic(op), [left, right]);
            }
            (BinaryOp::Concat, Dialect::Mysql) => self.function("concat", [left, right]),
            (op, Dialect::Sqlite) if decimals(left, right) => {
                self.push("(");
                self.function("rulegate_compare", [left, right]);
                self.push(operator(op));
                self.push("0)");
            }
            _ => self.infix(left, operator(op), right),
        }
    }

    /// SQLite's minus is binary.
    fn negate(&mut self, inner: &Expr) {
        match self.dialect {
            Dialect::Sqlite => self.function("rulegate_sub", [&Expr::Number(0), inner]),
            Dialect::Postgres | Dialect::Mysql => self.wrapped("(- ", inner, ")"),
        }
    }

    /// Whole numbers of 64 bits would overflow where decimals go on.
    pub(super) fn decimal(&mut self, inner: &Expr) {
        match self.dialect {
            Dialect::Postgres => self.wrapped("(", inner, ")::numeric"),
            Dialect::Mysql => self.wrapped("(", inner, " + cast(0 as decimal(1,0)))"),
            Dialect::Sqlite => self.expr(inner),
        }
    }

    /// MySQL takes a division by zero for null: the divisor fails before.
    fn divisor(&mut self, divisor: &Expr) {
        let never_zero = match divisor {
            Expr::Param(value, _) => value.decimal().is_some_and(|d| !d.is_zero()),
            Expr::Number(number) => *number != 0,
            _ => false,
        };
        if never_zero {
            return self.expr(divisor);
        }
        self.wrapped("(", divisor, " + ");
        self.fail_if(|writer| writer.wrapped("", divisor, " = 0"));
        self.push(")");
    }

    /// Zero, or an error where the condition holds. (MySQL, which has no other way to fail in a query)
    pub(super) fn fail_if(&mut self, condition: impl FnOnce(&mut Self)) {
        self.push("(9223372036854775807 + (");
        condition(self);
        self.push(") - 9223372036854775807)");
    }

    pub(super) fn infix(&mut self, left: &Expr, word: &str, right: &Expr) {
        self.wrapped("(", left, word);
        self.wrapped("", right, ")");
    }

    /// To 20 digits, half away from zero: rounded once, by the digit after them. PostgreSQL's own quotient is rounded already, to more digits,
    /// but not so in whole numbers; the MySQL session is set to enough by the driver, and cuts off what is beyond.
    fn division(&mut self, left: &Expr, right: &Expr) {
        match self.dialect {
            Dialect::Postgres => {
                self.wrapped("round(div((", left, ")::numeric * 1e21, ");
                self.wrapped("(", right, ")::numeric) * 1e-21, 20)");
            }
            Dialect::Mysql => {
                self.wrapped("round(", left, " / ");
                self.divisor(right);
                self.push(", 20)");
            }
            Dialect::Sqlite => self.function("rulegate_div", [left, right]),
        }
    }

    fn distinct(&mut self, left: &Expr, right: &Expr, yes: bool) {
        match (self.dialect, yes) {
            (Dialect::Sqlite, _) if decimals(left, right) => {
                self.function("rulegate_distinct", [left, right]);
                self.push(if yes { " = 1" } else { " = 0" });
            }
            (Dialect::Postgres, true) => self.infix(left, " is distinct from ", right),
            (Dialect::Postgres, false) => self.infix(left, " is not distinct from ", right),
            (Dialect::Sqlite, true) => self.infix(left, " is not ", right),
            (Dialect::Sqlite, false) => self.infix(left, " is ", right),
            (Dialect::Mysql, false) => self.infix(left, " <=> ", right),
            (Dialect::Mysql, true) => {
                self.push("(not ");
                self.infix(left, " <=> ", right);
                self.push(")");
            }
        }
    }

    /// Membership in a list of values. An exact one is asked twice: by the column's collation, which its index knows, and exactly.
    fn member(&mut self, inner: &Expr, values: &[Value], ty: &SqlType) {
        match inner {
            _ if values.is_empty() => self.truth(false),
            Expr::Exact(plain) => {
                self.push("(");
                self.member(plain, values, ty);
                self.push(" and ");
                self.member_once(inner, values, ty);
                self.push(")");
            }
            Expr::Kept(stored, _) if self.dialect == Dialect::Sqlite => {
                let range = sqlite::range(BinaryOp::Eq, values).unwrap_or_default();
                self.within(stored, range, |writer| writer.member_once(inner, values, ty));
            }
            _ => self.member_once(inner, values, ty),
        }
    }

    /// A stored value in its one form; SQLite alone has several.
    fn kept(&mut self, stored: &Expr, ty: ValueType) {
        match (self.dialect, sqlite::kept(ty)) {
            (Dialect::Sqlite, Some(function)) => self.function(function, [stored]),
            _ => self.expr(stored),
        }
    }

    /// A condition on a stored value, and where that lies whatever its form, for the sake of an index. (SQLite)
    fn within(&mut self, stored: &Expr, (least, most): sqlite::Range, condition: impl FnOnce(&mut Self)) {
        self.push("(");
        for (bound, word) in [(least, " >= "), (most, " <= ")] {
            if let Some(bound) = bound {
                self.wrapped("", stored, word);
                self.value(&bound);
                self.push(" and ");
            }
        }
        condition(self);
        self.push(")");
    }

    fn member_once(&mut self, inner: &Expr, values: &[Value], ty: &SqlType) {
        self.wrapped("(", inner, "");
        if self.dialect == Dialect::Postgres && !ty.array {
            self.push(" = any(");
            self.array(values.to_vec(), ty);
        } else {
            self.push(" in (");
            self.list(&self.padded(values), ", ", |writer, value| writer.param(value, Some(ty)));
        }
        self.push("))");
    }

    /// One array parameter. (PostgreSQL)
    pub(super) fn array(&mut self, values: Vec<Value>, ty: &SqlType) {
        self.bind(Param::Many(values));
        self.cast_suffix(Some(&postgres::parameter_type(ty)), "[]");
    }

    /// The list, its last item repeated up to a power of two where each takes a placeholder, so that few different texts come about.
    fn padded<'a, T>(&self, items: &'a [T]) -> Vec<&'a T> {
        let most = match self.dialect {
            Dialect::Postgres => items.len(),
            Dialect::Mysql | Dialect::Sqlite => items.len().next_power_of_two().min(8192).max(items.len()),
        };
        items.iter().chain(std::iter::repeat_n(items.last(), most).flatten()).take(most).collect()
    }

    fn member_exprs(&mut self, inner: &Expr, list: &[Expr]) {
        if list.is_empty() {
            return self.truth(false);
        }
        // PostgreSQL looks at constants first, MySQL at none where the subject is null.
        if list.iter().any(can_fail) {
            let equal = |item: &Expr| Expr::eq(inner.clone(), item.clone());
            return self.expr(&Expr::Or(list.iter().map(equal).collect()));
        }
        self.wrapped("(", inner, " in (");
        self.list(list, ", ", Self::expr);
        self.push("))");
    }

    /// Membership of a key of several parts.
    pub(super) fn key_member(&mut self, parts: &[Expr], types: &[SqlType], keys: &[Vec<Value>]) {
        match (parts, types) {
            _ if keys.is_empty() => self.truth(false),
            ([part], [ty]) => {
                let values: Vec<Value> = keys.iter().flatten().cloned().collect();
                self.member(part, &values, ty);
            }
            _ => {
                self.push("((");
                self.list(parts, ", ", Self::expr);
                self.push(") in (");
                self.keys(types, keys);
                self.push("))");
            }
        }
    }

    fn keys(&mut self, types: &[SqlType], keys: &[Vec<Value>]) {
        match self.dialect {
            Dialect::Postgres if types.iter().all(|ty| !ty.array) => {
                self.push("select * from unnest(");
                let columns: Vec<_> = types.iter().enumerate().collect();
                self.list(&columns, ", ", |writer, (index, ty)| writer.array(part(keys, *index), ty));
                self.push(")");
            }
            dialect => {
                self.push(if dialect == Dialect::Sqlite { "values " } else { "" });
                self.list(&self.padded(keys), ", ", |writer, key| writer.key(types, key));
            }
        }
    }

    fn key(&mut self, types: &[SqlType], key: &[Value]) {
        self.push("(");
        let pairs: Vec<_> = key.iter().zip(types).collect();
        self.list(&pairs, ", ", |writer, (value, ty)| writer.param(value, Some(ty)));
        self.push(")");
    }

    fn case(&mut self, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        if branches.is_empty() {
            return self.expr(otherwise.unwrap_or(&Expr::Null));
        }
        self.push("(case");
        for (condition, value) in branches {
            self.wrapped(" when ", condition, " then ");
            self.expr(value);
        }
        if let Some(inner) = otherwise {
            self.wrapped(" else ", inner, "");
        }
        self.push(" end)");
    }

    pub(super) fn cast(&mut self, inner: &Expr, ty: &CastType) {
        if (self.dialect, ty) == (Dialect::Mysql, &CastType::Integer) {
            return self.whole(inner);
        }
        let (before, after) = match self.dialect {
            Dialect::Postgres => postgres::cast(ty),
            Dialect::Mysql => mysql::cast(ty),
            Dialect::Sqlite => sqlite::cast(ty),
        };
        self.wrapped(before, inner, &after);
    }

    /// A number as one of 64 bits; what does not fit would become the greatest one. (MySQL)
    fn whole(&mut self, inner: &Expr) {
        self.wrapped("cast(round(", inner, ") + ");
        self.fail_if(|writer| {
            let range = ") not between -9223372036854775808 and 9223372036854775807";
            writer.wrapped("round(", inner, range);
        });
        self.push(" as signed)");
    }

    /// By code points. MySQL: as bytes of UTF-8, since its `_bin` collations ignore trailing spaces.
    fn exact(&mut self, inner: &Expr) {
        match self.dialect {
            Dialect::Postgres => self.wrapped("((", inner, ")::text collate \"C\")"),
            Dialect::Mysql => self.wrapped("cast(convert(", inner, " using utf8mb4) as binary)"),
            Dialect::Sqlite => self.wrapped("(", inner, " collate binary)"),
        }
    }

    /// Exactly equal values are equal in every collation, so the plain comparison is added for the sake of its index.
    fn exact_eq(&mut self, left: &Expr, right: &Expr) {
        self.push("(");
        self.infix(plain(left), " = ", plain(right));
        self.push(" and ");
        self.exact(plain(left));
        self.push(" = ");
        self.exact(plain(right));
        self.push(")");
    }

    fn like(&mut self, text: &Expr, pattern: &Expr, insensitive: bool) {
        self.strictly(&[text, pattern], |writer| writer.matches(text, pattern, insensitive));
    }

    fn matches(&mut self, text: &Expr, pattern: &Expr, insensitive: bool) {
        match (self.dialect, insensitive) {
            (Dialect::Postgres, false) => {
                self.wrapped("((", text, ") like ");
                self.pattern(pattern);
                self.push(" escape '\\')");
            }
            (Dialect::Postgres, true) => self.infix_escaped("(", text, ") ilike (", pattern, ") escape '\\'"),
            (Dialect::Mysql, false) => self.infix_escaped(
                "convert(",
                text,
                " using utf8mb4) collate utf8mb4_bin like convert(",
                pattern,
                " using utf8mb4) escape '\\\\'",
            ),
            (Dialect::Mysql, true) => self.infix_escaped(
                "lower(convert(",
                text,
                " using utf8mb4)) collate utf8mb4_bin like lower(convert(",
                pattern,
                " using utf8mb4)) escape '\\\\'",
            ),
            (Dialect::Sqlite, false) => self.function("rulegate_like", [text, pattern]),
            (Dialect::Sqlite, true) => self.function("rulegate_ilike", [text, pattern]),
        }
    }

    /// PostgreSQL refuses an escape at the end, but only when it gets there; elsewhere it stands for itself.
    fn pattern(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Param(..) => self.wrapped("(", pattern, ")"),
            _ => self.wrapped("regexp_replace(", pattern, r", '((^|[^\\])(\\\\)*)\\$', '\1\\\\')"),
        }
    }

    fn infix_escaped(&mut self, before: &str, left: &Expr, word: &str, right: &Expr, after: &str) {
        self.push("(");
        self.wrapped(before, left, word);
        self.wrapped("", right, after);
        self.push(")");
    }
}

/// One column of a list of keys.
pub(super) fn part(keys: &[Vec<Value>], index: usize) -> Vec<Value> {
    keys.iter().map(|key| key.get(index).cloned().unwrap_or(Value::Null)).collect()
}

fn plain(expr: &Expr) -> &Expr {
    match expr {
        Expr::Exact(inner) => inner,
        other => other,
    }
}

fn decimals(left: &Expr, right: &Expr) -> bool {
    matches!(left, Expr::Decimal(_)) || matches!(right, Expr::Decimal(_))
}

/// Whether computing it can be an error.
pub(super) fn can_fail(expr: &Expr) -> bool {
    use CastType::{Date, Integer, Native, Time, Timestamp, TimestampTz};
    let itself = match expr {
        Expr::Binary(op, ..) => matches!(op, BinaryOp::Div | BinaryOp::Rem),
        Expr::Cast(_, to) => matches!(to, Integer | Date | Time | Timestamp | TimestampTz | Native(_)),
        Expr::Call(function, _) => matches!(function, Function::Shift(_) | Function::AddDays),
        _ => false,
    };
    itself || expr.inside().into_iter().any(can_fail)
}

/// Whether indexes may see a term that guards another. Where one says what a column equals, MySQL and SQLite believe it in all the other
/// terms, and then look at these first.
fn may_stand_outside(term: &Expr, dialect: Dialect) -> bool {
    match (dialect, term) {
        (Dialect::Postgres, _) => true,
        (Dialect::Sqlite, _) => !equates(term),
        (Dialect::Mysql, Expr::Binary(BinaryOp::Eq, a, b)) => ties(a, b),
        (Dialect::Mysql, Expr::Binary(op, ..)) => {
            matches!(op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
        }
        (Dialect::Mysql, Expr::Not(inner)) => matches!(inner.as_ref(), Expr::KeyIn(..)),
        (Dialect::Mysql, _) => false,
    }
}

/// Whether it says what a column equals. (SQLite takes a list of one value for that value.)
fn equates(term: &Expr) -> bool {
    match term {
        Expr::Binary(BinaryOp::Eq, a, b) => !ties(a, b),
        Expr::In(..) | Expr::InExprs(..) | Expr::KeyIn(..) => true,
        Expr::And(terms) => terms.iter().any(equates),
        Expr::Or(terms) => matches!(terms.as_slice(), [term] if equates(term)),
        _ => false,
    }
}

/// Whether two sides are columns of two tables.
fn ties(a: &Expr, b: &Expr) -> bool {
    matches!((a, b), (Expr::Column(a, _), Expr::Column(b, _)) if a != b)
}

/// How many nodes they have.
fn size(exprs: &[Expr]) -> usize {
    exprs
        .iter()
        .map(|e| 1 + e.inside().into_iter().map(|inner| size(std::slice::from_ref(inner))).sum::<usize>())
        .sum()
}

fn exact_with_param(left: &Expr, right: &Expr) -> bool {
    let exact = matches!(left, Expr::Exact(_)) || matches!(right, Expr::Exact(_));
    exact && (matches!(plain(left), Expr::Param(..)) || matches!(plain(right), Expr::Param(..)))
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => " = ",
        BinaryOp::Ne => " <> ",
        BinaryOp::Lt => " < ",
        BinaryOp::Le => " <= ",
        BinaryOp::Gt => " > ",
        BinaryOp::Ge => " >= ",
        BinaryOp::Add => " + ",
        BinaryOp::Sub => " - ",
        BinaryOp::Mul => " * ",
        BinaryOp::Div => " / ",
        BinaryOp::Rem => " % ",
        BinaryOp::Concat => " || ",
    }
}

fn sqlite_arithmetic(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "rulegate_add",
        BinaryOp::Sub => "rulegate_sub",
        BinaryOp::Mul => "rulegate_mul",
        _ => "rulegate_rem",
    }
}
