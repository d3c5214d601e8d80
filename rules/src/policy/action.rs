//! What can be done with a row.

/// What can be done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
}

impl Action {
    /// All of them, in the order in which people name them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Delete];

    /// As the files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Something for each action.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ByAction<T> {
    read: T,
    create: T,
    update: T,
    delete: T,
}

impl<T> ByAction<T> {
    pub(super) fn of(&self, action: Action) -> &T {
        match action {
            Action::Read => &self.read,
            Action::Create => &self.create,
            Action::Update => &self.update,
            Action::Delete => &self.delete,
        }
    }

    pub(super) fn of_mut(&mut self, action: Action) -> &mut T {
        match action {
            Action::Read => &mut self.read,
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Delete => &mut self.delete,
        }
    }
}
