//! The files that one Rust file pulls in: `mod name;`, `#[path = "…"] mod name;`, `include!("…")`.

use super::source::Source;

/// The paths, below the same root as `path`, where a compiler would look: of a plain module there are two,
/// `name.rs` and `name/mod.rs`.
pub(super) fn pulled_in(path: &str, is_root: bool, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own = if is_root || file == "mod.rs" {
        folder.to_owned()
    } else {
        join(folder, file.strip_suffix(".rs").unwrap_or(file))
    };
    let mut scan = Scan { folder, own, inline: Vec::new(), given: None, found: Vec::new() };
    scan.run(text, &Source::new(text).code);
    scan.found
}

struct Scan<'a> {
    /// The folder of the file.
    folder: &'a str,
    /// The folder of the modules that it declares.
    own: String,
    /// The braces that are open: the name of the inline module, if one begins there.
    inline: Vec<Option<String>>,
    /// The path that an attribute gave to the next module.
    given: Option<String>,
    found: Vec<String>,
}

impl Scan<'_> {
    fn run(&mut self, text: &str, code: &str) {
        let mut tokens = Tokens { code, at: 0 };
        while let Some(token) = tokens.next() {
            match token {
                "mod" => self.module(&mut tokens),
                "path" => {
                    if let Some(given) = tokens.then(&["="]).and_then(|at| literal(text, code, at)) {
                        self.given = Some(given);
                    }
                }
                "include" => {
                    if let Some(file) = tokens.then(&["!", "("]).and_then(|at| literal(text, code, at)) {
                        self.found.push(join(self.folder, &file));
                    }
                }
                "{" => self.inline.push(None),
                "}" => {
                    self.inline.pop();
                }
                ";" => self.given = None,
                _ => {}
            }
        }
    }

    fn module(&mut self, tokens: &mut Tokens<'_>) {
        let Some(name) = tokens.next().filter(|name| name.starts_with(is_word)) else {
            return;
        };
        let given = self.given.take();
        match tokens.next() {
            Some("{") => self.inline.push(Some(given.unwrap_or_else(|| name.to_owned()))),
            Some(";") => {
                let inline: Vec<_> = self.inline.iter().flatten().map(String::as_str).collect();
                let below = join(&self.own, &inline.join("/"));
                match given {
                    Some(given) if inline.is_empty() => self.found.push(join(self.folder, &given)),
                    Some(given) => self.found.push(join(&below, &given)),
                    None => {
                        self.found.push(join(&below, &format!("{name}.rs")));
                        self.found.push(join(&below, &format!("{name}/mod.rs")));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Words and single signs of blanked code.
struct Tokens<'a> {
    code: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = &self.code[self.at..];
        let rest = rest.trim_start();
        let start = self.code.len() - rest.len();
        let mut word = rest.find(|sign| !is_word(sign)).unwrap_or(rest.len());
        if word == 0 {
            word = rest.chars().next()?.len_utf8();
        }
        self.at = start + word;
        Some(&rest[..word])
    }

    /// Where the code goes on if these tokens come next; moves only if they do.
    fn then(&mut self, expected: &[&str]) -> Option<usize> {
        let mut ahead = Tokens { code: self.code, at: self.at };
        if expected.iter().any(|token| ahead.next() != Some(token)) {
            return None;
        }
        self.at = ahead.at;
        Some(ahead.at)
    }
}

/// The plain string literal that comes next after `at`, if one does.
fn literal(text: &str, code: &str, at: usize) -> Option<String> {
    let rest = &code[at..];
    let start = at + (rest.len() - rest.trim_start().len());
    let inside = code[start..].strip_prefix('"')?;
    let length = inside.find('"')?;
    text.get(start + 1..start + 1 + length).map(str::to_owned)
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// Joins two paths with slashes, following `..` and `.`.
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, is_root: bool, text: &str, expected: &[&str]) {
        assert_eq!(pulled_in(path, is_root, text), expected);
    }

    #[test]
    fn modules_of_a_root_are_beside_it() {
        check("c/src/lib.rs", true, "pub(crate) mod a;", &["c/src/a.rs", "c/src/a/mod.rs"]);
        check("c/tests/it/mod.rs", false, "mod a;", &["c/tests/it/a.rs", "c/tests/it/a/mod.rs"]);
    }

    #[test]
    fn modules_of_another_file_are_below_it() {
        check("c/src/a.rs", false, "#[cfg(test)]\nmod b;", &["c/src/a/b.rs", "c/src/a/b/mod.rs"]);
    }

    #[test]
    fn inline_modules_are_folders() {
        check(
            "c/src/lib.rs",
            true,
            "fn f() { if x { } } mod a { fn g() {} pub mod b; } mod c;",
            &["c/src/a/b.rs", "c/src/a/b/mod.rs", "c/src/c.rs", "c/src/c/mod.rs"],
        );
    }

    #[test]
    fn a_given_path_counts_from_the_file() {
        check("c/src/a.rs", false, "#[path = \"../x/y.rs\"] mod b;", &["c/x/y.rs"]);
        check("c/src/lib.rs", true, "mod a { #[path = \"y.rs\"] mod b; }", &["c/src/a/y.rs"]);
        check("c/src/lib.rs", true, "path = \"y.rs\"; mod b;", &["c/src/b.rs", "c/src/b/mod.rs"]);
    }

    #[test]
    fn included_files_count() {
        check("c/src/a.rs", false, "include!(\"b.rs\"); include!(concat!(\"c\"));", &["c/src/b.rs"]);
    }

    #[test]
    fn only_code_counts() {
        check(
            "lib.rs",
            true,
            "// mod a;\nlet b = \"mod b;\"; /* mod c; */ macro!(mod $name;); model;",
            &[],
        );
    }
}
