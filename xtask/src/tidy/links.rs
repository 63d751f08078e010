//! Links between the pages of the repository lead somewhere.

use super::Rule;
use super::findings::Findings;
use super::modules::join;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "links", check };

fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".md"]) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in targets(&text) {
            let file = target.split(['#', '?']).next().unwrap_or_default();
            if file.is_empty() || has_scheme(&target) {
                continue;
            }
            let full = match file.strip_prefix('/') {
                Some(from_root) => join("", from_root),
                None => join(folder, file),
            };
            if !tree.contains(&full) {
                findings.add(
                    path,
                    line,
                    format!("link to `{target}`: there is no `{full}` in the repository"),
                );
            }
        }
    }
}

/// Whether a link leaves the repository: `https:`, `mailto:`, `//host`.
fn has_scheme(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    target.starts_with("//")
        || (!scheme.is_empty()
            && scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(sign)))
}

/// Every link target outside of code, with its line.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let marks = ["```", "~~~"].into_iter().find(|marks| trimmed.starts_with(marks));
        match (fence, marks) {
            (None, Some(marks)) => fence = Some(marks),
            (Some(open), Some(marks)) if open == marks => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                let prose = without_code(line);
                found.extend(inline(&prose).map(|target| (index + 1, target)));
                found.extend(definition(&prose).map(|target| (index + 1, target)));
            }
        }
    }
    found
}

/// The line without what stands between back-ticks.
fn without_code(line: &str) -> String {
    let parts: Vec<_> = line.split('`').collect();
    if parts.len() % 2 == 0 {
        return line.to_owned();
    }
    parts.into_iter().step_by(2).collect()
}

/// The targets of `[text](target)` and `![text](target "title")`.
fn inline(line: &str) -> impl Iterator<Item = String> {
    line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        let target = rest.split_once(')')?.0;
        Some(bare(target))
    })
}

/// The target of `[name]: target`.
fn definition(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix('[')?;
    let (name, target) = rest.split_once("]:")?;
    (!name.starts_with('^') && !name.contains(']') && !target.trim().is_empty()).then(|| bare(target))
}

/// The target without its brackets and its title.
fn bare(target: &str) -> String {
    let target = target.trim();
    match target.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((inside, _)) => inside.to_owned(),
        None => target.split_whitespace().next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[track_caller]
    fn check(page: &str, expected: &[&str]) {
        let text = format!("//- docs/a/page.md\n{page}\n//- docs/b.md\n//- docs/a/with space.md\n//- C\n");
        fixture::check(super::RULE, &text, expected);
    }

    #[test]
    fn links_to_files_and_folders_pass() {
        check(
            "[b](../b.md), [self](page.md#part), ![c](../../C \"title\"), [root](/C), [folder](../a/)",
            &[],
        );
        check("[sp](<with space.md>) [d]\n\n[d]: ../b.md#x\n[^note]: missing.md is no link", &[]);
    }

    #[test]
    fn links_elsewhere_are_not_ours() {
        check("[w](https://example.org/x) [m](mailto:a@example.org) [h](#here) [p](//example.org)", &[]);
    }

    #[test]
    fn code_has_no_links() {
        check("`[x](gone.md)`\n```md\n[x](gone.md)\n~~~\n```\n~~~\n[x](gone.md)\n~~~", &[]);
    }

    #[test]
    fn broken_links_are_found() {
        check(
            "text\n[x](gone.md#part) and [y](../../../C)\n[z]: gone/",
            &[
                "docs/a/page.md:2: links: link to `../../../C`: there is no `../C` in the repository",
                "docs/a/page.md:2: links: link to `gone.md#part`: there is no `docs/a/gone.md` in the repository",
                "docs/a/page.md:3: links: link to `gone/`: there is no `docs/a/gone` in the repository",
            ],
        );
    }
}
