//! A page of Markdown → its fenced blocks.

/// What stands between two fences.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The words behind the opening fence: `sh`, `json`, `sh,ignore`.
    pub(crate) language: String,
    /// The lines between the fences.
    pub(crate) text: String,
    /// Of the opening fence, from 1.
    pub(crate) line: usize,
}

/// The blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(language) => {
                found.push(Block {
                    language: language.trim().to_owned(),
                    text: String::new(),
                    line: number + 1,
                });
                inside = true;
            }
            None if inside => {
                let block = found.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!inside, "a block is not closed");
    found
}

/// The lines of a page outside of blocks, each with its number from 1.
pub(crate) fn prose(page: &str) -> Vec<(usize, &str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            found.push((number + 1, line));
        }
    }
    found
}
