//! The report: tables and plots of the last runs, written between the marks of a page.

mod markdown;
mod page;
mod plot;

use std::fs;
use std::io;
use std::path::Path;

use self::page::Page;
use crate::results::Results;

/// The page, from the root of the repository.
const PAGE: &str = "docs/performance.md";
/// Where plots go, beside it.
const PLOTS: &str = "performance";
/// The parts of the suite, each of which has a section.
const PARTS: [&str; 8] = [
    "checks",
    "algorithms",
    "policy",
    "memory",
    "middleware",
    "curves",
    "redis",
    "peers",
];
/// Tables of other programs, as they print them.
const PRINTED: [&str; 6] = ["http", "grpc", "resp", "redis", "postgres", "memcached"];
/// What the key paths cost.
const BASELINE: &str = "bench/instructions/baseline.txt";

/// Writes what is found in the folder of results; sections without results stay as they are.
pub fn write(results: &Path) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(PAGE);
    let mut page = Page::new(fs::read_to_string(&path)?);
    let mut machines = Vec::new();
    for part in PARTS {
        let Some(found) = Results::read(results, part)? else {
            println!("no results of `cargo xtask bench {part}`: its section stays as it is");
            continue;
        };
        page.put(part, &section(&found, &root)?)?;
        if part == "checks" {
            page.put("headline", &markdown::headline(&found, Results::read(results, "memory")?.as_ref()))?;
        }
        if !machines.contains(&found.machine) {
            machines.push(found.machine);
        }
    }
    if machines.len() > 1 {
        println!("warning: the parts were not all measured of one commit on one machine: {machines:#?}");
    }
    for name in PRINTED {
        let path = results.join(format!("{name}.txt"));
        if path.exists() {
            page.put(&format!("{name} output"), &format!("```text\n{}```\n", fs::read_to_string(path)?))?;
        }
    }
    page.put("instructions", &markdown::instructions(&fs::read_to_string(root.join(BASELINE))?))?;
    fs::write(&path, page.text())?;
    println!("{PAGE} written");
    Ok(())
}

/// Where it was measured, the tables, and the plots.
fn section(results: &Results, root: &Path) -> io::Result<String> {
    let mut text = markdown::origin(results);
    let tables = match results.part.as_str() {
        "algorithms" => markdown::side_by_side(&results.tables),
        _ => results.tables.iter().map(markdown::table).collect(),
    };
    text.push_str(&tables);
    let folder = root.join("docs").join(PLOTS);
    fs::create_dir_all(&folder)?;
    for curve in &results.curves {
        let name = format!("{}.svg", curve.name);
        plot::write(curve, &folder.join(&name)).map_err(|error| io::Error::other(error.to_string()))?;
        text.push_str(&format!("\n![{}]({PLOTS}/{name})\n", curve.title));
        text.push_str(&markdown::curve(curve));
    }
    Ok(text)
}
