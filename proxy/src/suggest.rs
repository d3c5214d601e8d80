//! "Did you mean": the known name that is nearest to one that is unknown.

/// ` Did you mean "name"?`, to be put behind a sentence; empty where no known name is near.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let wanted = name.to_lowercase();
    let nearness = |known: &str| strsim::jaro_winkler(&wanted, &known.to_lowercase());
    let nearest = known.map(|known| (nearness(known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((nearness, known)) if nearness >= 0.8 => format!(" Did you mean {known:?}?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_near_is_suggested() {
        let known = || ["customer", "orders", "Title"].into_iter();
        assert_eq!(did_you_mean("custmer", known()), " Did you mean \"customer\"?");
        assert_eq!(did_you_mean("title", known()), " Did you mean \"Title\"?");
        assert_eq!(did_you_mean("zebra", known()), "");
    }
}
