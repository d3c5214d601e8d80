//! The tutorials do what they say: their `sh` blocks run in order, in one shell and an empty folder, with the binary of this build; what
//! a block answers is what the `text` or `json` block right behind it shows.
//!
//! `…` stands for any text in a line, alone on a line for any lines; in JSON for any value, as a member for any further members, as the
//! last of a list for any further elements. A `sh,ignore` block is not run: it needs a cluster, or a registry. Addresses are those of
//! the pages; the servers listen elsewhere, so that tutorials can run at the same time.

#[path = "tutorials/shell.rs"]
mod shell;
#[path = "tutorials/shown.rs"]
mod shown;

use super::page::{Block, blocks};
use super::{read, repository};

/// A block that is run, and what its page shows of its answer.
struct Step {
    page: &'static str,
    command: Block,
    answer: Option<Block>,
}

macro_rules! tutorials {
    ($($name:ident: $page:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            follow(&[$page]);
        })*

        const PAGES: &[&str] = &[$($page),*];
    };
}

tutorials! {
    a_first_api_over_a_file_of_ones_own: "first-api.md",
    order_totals_with_rules: "rules.md",
    a_sidecar_on_kubernetes: "sidecar.md",
    securing_an_api: "secure.md",
}

#[test]
fn the_tutorials_one_after_the_other_in_one_terminal() {
    follow(&["first-api.md", "rules.md", "secure.md"]);
}

#[test]
fn every_tutorial_is_run() {
    let mut pages: Vec<String> = std::fs::read_dir(repository("docs/tutorials"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut run = PAGES.to_vec();
    run.sort_unstable();
    assert_eq!(pages, run);
}

/// Each page begins in an empty folder, and in the shell that the page before leaves.
fn follow(pages: &[&'static str]) {
    let steps: Vec<Step> = pages.iter().flat_map(|page| steps(page)).collect();
    if let Some(missing) = shell::missing(&steps.iter().map(|step| &*step.command.text).collect::<String>()) {
        eprintln!("{pages:?} are left out: {missing} is not here");
        return;
    }
    let commands: Vec<&str> = steps.iter().map(|step| &*step.command.text).collect();
    let (answers, code) = shell::run(&commands);
    let last = answers.last().cloned().unwrap_or_default();
    let failed = &steps[answers.len() - 1];
    assert_eq!(code, Some(0), "{}:{} fails:\n{last}", failed.page, failed.command.line);
    let wrong: Vec<String> =
        steps.iter().zip(&answers).filter_map(|(step, actual)| step.surprise(actual)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Step {
    /// What is answered, where it is not what is shown.
    fn surprise(&self, actual: &str) -> Option<String> {
        let answer = self.answer.as_ref()?;
        let fits = match &*answer.language {
            "json" => shown::json(&answer.text, actual),
            _ => shown::text(&answer.text, actual),
        };
        (!fits).then(|| {
            format!("{}:{} shows\n{}and the answer is\n{actual}", self.page, answer.line, answer.text)
        })
    }
}

fn steps(page: &'static str) -> Vec<Step> {
    let blocks = blocks(&read(&format!("docs/tutorials/{page}")));
    let mut found = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        if block.language == "sh" {
            let answer = blocks.get(at + 1).filter(|next| ["text", "json"].contains(&&*next.language));
            found.push(Step { page, command: block.clone(), answer: answer.cloned() });
        }
    }
    let first = found.first_mut().expect("something is run");
    first.command.text.insert_str(0, &format!("mkdir ../{page}\ncd ../{page}\n"));
    found
}
