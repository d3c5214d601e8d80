//! The keys of an entry -> the entry, where they go together: one of `role` and `every_role_but`, one of `resource` and
//! `every_resource_with`, at least one action, and nothing that would change nothing.

use super::{Action, Draft, Entry, Extent, Reader, STAR, Said, Text, What, Who};

impl Reader {
    /// `sound`: nothing was wrong with the keys by themselves. Else nothing is said of one that is missing: it probably is the misspelt one.
    pub(super) fn combined(&mut self, start: Text, draft: Draft, sound: bool) -> Option<Entry> {
        let who = self.who(&start, &draft, sound);
        let what = self.what(&start, &draft, sound);
        let (set, set_on_update) = (draft.set.as_ref(), draft.set_on_update.as_ref());
        let presets = [set.map(|(key, _)| key), set_on_update.map(|(key, _)| key)];
        let only_in_grants = presets.into_iter().chain([draft.attributes.as_ref()]).flatten().cloned();
        let only_in_grants: Vec<Text> = only_in_grants.collect();
        let presets =
            |set: Option<(Text, Vec<(Text, Text)>)>| set.map(|(_, lines)| lines).unwrap_or_default();
        let entry = Entry {
            start,
            who: who?,
            what: what?,
            said: draft.said,
            hidden: draft.hidden,
            read_only: draft.read_only,
            set: presets(draft.set),
            set_on_update: presets(draft.set_on_update),
        };
        self.actions(&entry, sound);
        match entry.is_filter() {
            true => self.filter(&entry, &only_in_grants),
            false => self.grant(&entry),
        }
        Some(entry)
    }

    fn who(&mut self, start: &Text, draft: &Draft, sound: bool) -> Option<Who> {
        match (&draft.role, &draft.every_role_but) {
            (Some((_, roles)), None) => Some(Who::Roles(roles.clone())),
            (None, Some((key, roles))) if roles.iter().any(|role| role.value == STAR) => {
                self.refuse(key, "this filter would hold for nobody", "name the roles that it leaves alone");
                None
            }
            (None, Some((_, roles))) => Some(Who::AllBut(roles.clone())),
            (Some(_), Some((key, _))) => {
                let hint = "a grant has `role`, a filter has `every_role_but`: make two entries";
                self.refuse(key, "an entry is a grant or a filter, not both", hint);
                None
            }
            (None, None) if !sound => None,
            (None, None) => {
                let hint = "write `role: name`, or `every_role_but: [name]` for a filter of all others";
                self.refuse(start, "this entry does not say for whom it is", hint);
                None
            }
        }
    }

    fn what(&mut self, start: &Text, draft: &Draft, sound: bool) -> Option<What> {
        match (&draft.resource, &draft.every_resource_with) {
            (Some((_, names)), None) if names.iter().any(|name| name.value == STAR) => Some(What::All),
            (Some((_, names)), None) => Some(What::Named(names.clone())),
            (None, Some((_, name))) => Some(What::With(name.clone())),
            (Some(_), Some((key, _))) => {
                let hint = "`every_resource_with` finds resources by an attribute, `resource` names them";
                self.refuse(key, "one of them is too many", hint);
                None
            }
            (None, None) if !sound => None,
            (None, None) => {
                let hint = "write `resource: name`, `resource: \"*\"` or `every_resource_with: attribute`";
                self.refuse(start, "this entry does not say for which resources it is", hint);
                None
            }
        }
    }

    fn actions(&mut self, entry: &Entry, sound: bool) {
        let all = entry.said.iter().find(|said| said.is_all());
        let single: Vec<&Said> = entry.said.iter().filter(|said| !said.is_all()).collect();
        for said in single.iter().filter(|_| all.is_some()) {
            let message = format!("`all` says it of `{}` already", said.key.value);
            self.refuse(&said.key, &message, "write read, create, update and delete, each by itself");
        }
        if entry.said.is_empty() && sound {
            let nothing = if entry.is_filter() { "filters" } else { "grants" };
            let hint = "write read, create, update or delete, or all of them: `all: true`, or a condition";
            self.refuse(&entry.start, &format!("this entry {nothing} nothing"), hint);
        }
    }

    fn filter(&mut self, entry: &Entry, only_in_grants: &[Text]) {
        for said in entry.said.iter().filter(|said| matches!(said.extent, Extent::All)) {
            self.refuse(
                &said.key,
                "this filters nothing",
                "a filter is a condition, which must hold as well",
            );
        }
        for key in only_in_grants {
            let message = format!("`{}` belongs to a grant, not to a filter", key.value);
            self.refuse(key, &message, "write it where a `role` is granted something");
        }
    }

    fn grant(&mut self, entry: &Entry) {
        for said in &entry.said {
            if let Extent::None(text) = &said.extent {
                self.refuse(text, "this grants nothing", "what is not granted is not allowed: leave it out");
            }
        }
        let about = |action| entry.is_about(action);
        self.needless(entry.hidden.first(), about(Action::Read), "hides nothing: it does not grant `read`");
        let written = about(Action::Create) || about(Action::Update);
        let read_only = "needs no `read_only`: it grants neither `create` nor `update`";
        self.needless(entry.read_only.first(), written, read_only);
        let set = entry.set.first().map(|(name, _)| name);
        self.needless(set, about(Action::Create), "sets nothing on create: it does not grant it");
        let set = entry.set_on_update.first().map(|(name, _)| name);
        self.needless(set, about(Action::Update), "sets nothing on update: it does not grant it");
        for name in &entry.read_only {
            if entry.hidden.iter().any(|hidden| hidden.value == name.value) {
                let hint = "what is hidden cannot be written either";
                self.refuse(name, &format!("`{}` is hidden already", name.value), hint);
            }
        }
    }

    fn needless(&mut self, first: Option<&Text>, has_effect: bool, what: &str) {
        if let (Some(name), false) = (first, has_effect) {
            self.refuse(name, &format!("this entry {what}"), "write it where that is granted");
        }
    }

    fn refuse(&mut self, text: &Text, message: &str, hint: &str) {
        self.yaml.problem(text.place, message, Some(hint.to_owned()));
    }
}
