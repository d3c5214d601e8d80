//! Links of every page lead somewhere: to a file that is there, to a heading of that page, to a page that the book has. No network is used.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::page::prose;
use super::{read, repository};

/// A page of the repository with its links.
struct Link {
    page: String,
    line: usize,
    target: String,
}

#[test]
fn every_link_to_a_file_or_a_heading_leads_there() {
    let pages = pages();
    let links: Vec<Link> = pages.iter().flat_map(|page| links(page)).collect();
    assert!(links.len() > 300, "links are not found: {}", links.len());
    let broken: Vec<String> = links
        .iter()
        .filter_map(|link| Some(format!("{}:{}: {}: {}", link.page, link.line, link.target, broken(link)?)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_summary_has_every_page_of_the_documentation_once() {
    let mut listed: Vec<String> =
        links("docs/SUMMARY.md").into_iter().map(|link| format!("docs/{}", link.target)).collect();
    listed.sort();
    let wanted: Vec<String> =
        pages().into_iter().filter(|page| page.starts_with("docs/") && page != "docs/SUMMARY.md").collect();
    assert_eq!(listed, wanted);
}

/// Why a link leads nowhere.
fn broken(link: &Link) -> Option<String> {
    let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let file = match path {
        "" => link.page.clone(),
        path => within(Path::new(&link.page).parent()?, path)?,
    };
    if !repository(&file).exists() {
        return Some(format!("there is no {file}"));
    }
    let page = file.ends_with(".md");
    (!anchor.is_empty() && page && !anchors(&file).contains(anchor))
        .then(|| format!("{file} has no #{anchor}"))
}

/// `docs/tutorials` and `../rules.md` → `docs/rules.md`.
fn within(folder: &Path, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let whole: PathBuf = folder.join(path);
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(name) => parts.push(name.to_str()?),
            _ => {}
        }
    }
    Some(parts.join("/"))
}

/// Every page of the repository, sorted.
fn pages() -> Vec<String> {
    fn below(folder: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(repository(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if name.ends_with(".md") {
                found.push(path);
            } else if repository(&path).is_dir()
                && !["target", "node_modules"].contains(&&*name)
                && !name.starts_with('.')
            {
                below(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    below("", &mut found);
    found.sort();
    found
}

/// Links to what is here: others need a network.
fn links(page: &str) -> Vec<Link> {
    let text = read(page);
    let mut found = Vec::new();
    for (line, words) in prose(&text) {
        let words = without_code(words);
        for rest in words.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default().to_owned();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push(Link { page: page.to_owned(), line, target });
            }
        }
    }
    found
}

/// A line without its `code`, in which nothing is a link. The text of a link may be code.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// What links to a page may name: its headings, as GitHub and mdBook both make ids of them, and ids that stand there.
fn anchors(page: &str) -> BTreeSet<String> {
    let text = read(page);
    let mut found = BTreeSet::new();
    for (_, line) in prose(&text) {
        found.extend(
            line.split("<a id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
        );
        if let Some(title) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) {
            let id = slug(title.trim());
            let again = (1..).map(|count| format!("{id}-{count}")).find(|other| !found.contains(other));
            found.insert(if found.contains(&id) { again.unwrap() } else { id });
        }
    }
    found
}

fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || ['-', '_', ' '].contains(c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let link = |target: &str| Link { page: "docs/rules.md".to_owned(), line: 1, target: target.to_owned() };
    for fine in [
        "http.md",
        "#files",
        "http.md#pages-by-cursor",
        "../README.md",
        "errors.md#invalid-token",
        "decisions/README.md",
    ] {
        assert_eq!(broken(&link(fine)), None, "{fine}");
    }
    for wrong in ["htpp.md", "#flies", "http.md#nothing", "errors.md#invalid-tokn", "../docs"] {
        assert_eq!(broken(&link(wrong)).is_none(), wrong == "../docs", "{wrong}");
    }
}
