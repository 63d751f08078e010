//! The main job of the README: what its first reader will type must work.

use std::fs;

use crate::error::Error;
use crate::project::Project;

/// How the command line in the README begins.
const START: &str = "cargo run --release -- replay";

/// Runs the README's replay command as it is written there.
pub(crate) fn run(project: &Project) -> Result<(), Error> {
    let path = project.root().join("README.md");
    let text = fs::read_to_string(&path).map_err(Error::file(path))?;
    let job = find(&text).ok_or(Error::NoReadmeJob { start: START })?;
    println!("README.md says: {job}");
    // The shell splits the words as the reader's would; only the cargo is the one we were started with.
    let script = job.replacen("cargo", "\"$XTASK_CARGO\"", 1);
    project
        .command("sh")
        .arg("-euc")
        .arg(script)
        .env("XTASK_CARGO", project.cargo_program())
        .run()
}

/// The first fenced command line that begins with [`START`], its continuation lines joined.
fn find(text: &str) -> Option<String> {
    let mut fenced = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if !fenced || !line.starts_with(START) {
            continue;
        }
        let mut job = line.to_owned();
        while let Some(start) = job.strip_suffix('\\') {
            job = format!("{} {}", start.trim_end(), lines.next().unwrap_or_default().trim());
        }
        return Some(job);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(find(text).as_deref(), expected);
    }

    #[test]
    fn the_first_fenced_line_is_taken() {
        check(
            "Try\n```sh\ncargo build\ncargo run --release -- replay a.log\n```\n",
            Some("cargo run --release -- replay a.log"),
        );
        check(
            "```console\n$ cargo run --release -- replay -p 'a b.yaml'\n```",
            Some("cargo run --release -- replay -p 'a b.yaml'"),
        );
    }

    #[test]
    fn continuation_lines_are_joined() {
        check(
            "```\ncargo run --release -- replay \\\n  --policy p.yaml \\\n  a.log\nsecond\n```",
            Some("cargo run --release -- replay --policy p.yaml a.log"),
        );
    }

    #[test]
    fn prose_is_not_a_command() {
        check("cargo run --release -- replay x\n", None);
        check("```\nls\n```\ncargo run --release -- replay x\n", None);
    }
}
