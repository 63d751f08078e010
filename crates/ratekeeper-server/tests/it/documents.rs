//! What the project ships for the reader: the example, and the policies in the guide.

use std::path::{Path, PathBuf};

use ratekeeper_policy::Policy;

use crate::{Sandbox, ratekeeper, workspace};

const REPLAY: [&str; 4] = [
    "replay",
    "--policy",
    "examples/replay/policy.yaml",
    "examples/replay/access.log",
];

fn replay(more: &[&str]) -> String {
    let output = ratekeeper().current_dir(workspace()).args(REPLAY).args(more).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    String::from_utf8(output.stdout).unwrap()
}

/// The fenced blocks of a page with exactly this word behind the fence: line and text.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text: String = inside.flat_map(|line| [line, "\n"]).collect();
            if found == language {
                blocks.push((number + 2, text));
            }
        }
    }
    blocks
}

/// The pages of the guide, and the README.
fn pages() -> Vec<PathBuf> {
    let folders = ["docs/guide", "docs/guide/stores"].map(|folder| workspace().join(folder));
    let guide = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut pages: Vec<PathBuf> = guide.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.extend(Some(workspace().join("README.md")).filter(|path| path.exists()));
    pages.sort();
    pages
}

#[test]
fn every_policy_in_the_guide_is_right() {
    let mut policies = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        // A block that is no whole policy has another word behind its fence.
        for (line, policy) in blocks(&page, "yaml") {
            let file = format!("{}, block in line {line}", path.display());
            Policy::parse(&policy, &file, &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
            policies += 1;
        }
    }
    assert!(policies >= 10, "{policies}");
}

#[test]
fn the_guide_shows_the_summary_as_it_is() {
    let page = std::fs::read_to_string(workspace().join("docs/guide/replay.md")).unwrap();
    let shown = blocks(&page, "text");
    assert_eq!(shown.first().unwrap().1, replay(&[]));
    let compared = replay(&["--compare", "examples/replay/stricter.yaml"]);
    let (_, difference) = compared.split_once("\nDifference\n").unwrap();
    assert_eq!(shown.get(1).unwrap().1, format!("Difference\n{difference}"));
}

#[test]
fn the_lines_of_logs_in_the_guide_are_understood() {
    let page = std::fs::read_to_string(workspace().join("docs/guide/replay.md")).unwrap();
    let mut log = blocks(&page, "log")[0].1.clone();
    log += &blocks(&page, "json")[0].1;
    // As nginx writes the format that the page gives for it.
    log += r#"{"time":"1772539200.125","ip":"203.0.113.9","user":"","method":"GET","path":"/?q","host":"shop.example","headers":{"user-agent":"","x-api-key":"k"}}"#;
    let sandbox = Sandbox::with_policy("rules: [{ name: r, key: [ip, host, method, path], limits: 1/s }]")
        .file("a.log", log);
    let decisions = sandbox.run(&["replay", "-p", "policy.yaml", "--decisions", "decisions", "a.log"]);
    assert!(decisions.success().starts_with("a.log: 6 requests"));
    let decisions = sandbox.read("decisions");
    let keys: Vec<&str> = decisions
        .lines()
        .map(|line| line.split_once("\"key\":").unwrap().1.split_once(",\"allowed").unwrap().0)
        .collect();
    assert_eq!(
        keys,
        [
            r#"["203.0.113.9","shop.example","GET","/"]"#,
            r#"["203.0.113.9","shop.example","GET","/"]"#,
            r#"["203.0.113.9","shop.example","GET","/api/v1/orders"]"#,
            r#"["203.0.113.9","shop.example","GET","/"]"#,
        ]
    );
}

#[test]
fn the_shipped_log_tells_its_story() {
    let out = replay(&["--format", "json"]);
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    let refused: Vec<&str> = summary["policy"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["refused"].as_u64() > Some(0))
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(refused, ["login", "login-network", "api", "reports-quota", "search", "site"]);
    assert_eq!(summary["unparsed"]["count"], 3);
    assert!(summary["out_of_order"].as_u64() > Some(0));
}

#[test]
fn the_shipped_files_are_small_and_hold_no_real_address() {
    let log = std::fs::read_to_string(workspace().join("examples/replay/access.log")).unwrap();
    assert!(log.len() < 500_000);
    let documentation = ["192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:", "worker 3"];
    for line in log.lines() {
        assert!(documentation.iter().any(|start| line.starts_with(start)), "{line}");
    }
}

#[test]
fn the_shipped_policies_are_right() {
    let folder = Path::new("examples/replay");
    let output = ratekeeper()
        .current_dir(workspace())
        .arg("check")
        .args([folder.join("policy.yaml"), folder.join("stricter.yaml")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
