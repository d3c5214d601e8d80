//! The operators of `filter[name][operator]`.

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Like,
    Ilike,
    Contains,
    Starts,
    Ends,
    In,
    NotIn,
    Between,
    Null,
}

impl Operator {
    /// How many of the words are the documented ones.
    pub const DOCUMENTED: usize = 15;

    /// The words: the documented ones first, then their aliases.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("gt", Self::Gt),
        ("gte", Self::Ge),
        ("lt", Self::Lt),
        ("lte", Self::Le),
        ("like", Self::Like),
        ("ilike", Self::Ilike),
        ("contains", Self::Contains),
        ("starts", Self::Starts),
        ("ends", Self::Ends),
        ("in", Self::In),
        ("nin", Self::NotIn),
        ("between", Self::Between),
        ("null", Self::Null),
        ("ge", Self::Ge),
        ("le", Self::Le),
        ("not_eq", Self::Ne),
        ("prefix", Self::Starts),
        ("suffix", Self::Ends),
        ("match", Self::Contains),
        ("notin", Self::NotIn),
        ("isnull", Self::Null),
    ];

    /// The operator of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, operator)| *operator)
    }

    /// Whether it compares with several values.
    pub(super) fn takes_several(self) -> bool {
        matches!(self, Self::In | Self::NotIn | Self::Between)
    }

    /// Its values in a parameter's text: split at commas where it takes several.
    pub(super) fn values(self, text: &str) -> Vec<String> {
        match self.takes_several() {
            true => text.split(',').map(str::to_owned).collect(),
            false => vec![text.to_owned()],
        }
    }
}
