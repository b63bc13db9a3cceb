//! The rules of the house that no compiler knows: imports point downward, and some things are for one room only.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the front door down. A room may import from the levels below its own.
const LEVELS: [&[&str]; 10] = [
    &["main"],
    &["cli"],
    &["app"],
    &["ingest", "api", "portal"],
    &["net", "ship", "query", "gateway", "live", "audit", "people", "packs"],
    &["spool", "clickhouse", "control", "engine", "auth", "limits"],
    &["normalise"],
    &["model", "outcome", "config", "telemetry", "prices"],
    // Imports nothing of ours; `cli` runs it.
    &["demo"],
    &["lib"],
];

/// What stands beside each other and may be imported all the same: (who, whom). Each has its reason.
const NEIGHBOURS: [(&str, &str); 16] = [
    // A panel is a question over a range; one that a tenant wrote goes through the gate.
    ("packs", "query"),
    ("packs", "gateway"),
    // Who may turn which pack on.
    ("people", "packs"),
    // The API's listener takes OTLP and serves the portal too.
    ("api", "ingest"),
    ("api", "portal"),
    // A stream is a list that goes on.
    ("live", "query"),
    // What became of an item is counted.
    ("telemetry", "outcome"),
    // A price is a figure of an event.
    ("prices", "model"),
    // Senders' blocks are what is shipped.
    ("ingest", "ship"),
    ("api", "ship"),
    // The control tables are tables.
    ("control", "clickhouse"),
    // Tokens and sessions are control rows.
    ("auth", "control"),
    // Guesses are counted.
    ("auth", "limits"),
    // What is decided about people is said in the audit trail.
    ("people", "audit"),
    // What can be read is what was shipped.
    ("live", "ship"),
    // Its entries are rows of the spool, as everybody's.
    ("audit", "ship"),
];

/// A line of our own code with its file and number; comments and test code are left out of `code`.
struct Line {
    path: PathBuf,
    number: usize,
    text: String,
    above: String,
    in_tests: bool,
}

fn lines() -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut lines) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                read(path.strip_prefix(&root).expect("below src"), &text, &mut lines);
            }
        }
    }
    assert!(lines.len() > 5_000, "the sources were not found: {}", lines.len());
    lines
}

fn read(path: &Path, text: &str, lines: &mut Vec<Line>) {
    let whole_file = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    let (mut in_tests, mut above) = (whole_file, String::new());
    for (index, line) in text.lines().enumerate() {
        // Tests stand last in every file.
        in_tests |= line.trim() == "mod tests {";
        let text = line.trim().to_owned();
        lines.push(Line { path: path.to_owned(), number: index + 1, text: text.clone(), above, in_tests });
        above = text;
    }
}

/// Those lines of the product that are code and hold `needle`.
fn holding<'a>(lines: &'a [Line], needle: &'a str) -> impl Iterator<Item = &'a Line> {
    lines.iter().filter(move |line| !line.in_tests && line.code().contains(needle))
}

fn level(room: &str) -> usize {
    LEVELS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("{room} has no place in LEVELS"))
}

fn complain(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

// === impl Line ===

impl Line {
    /// Without what stands behind `//`; a `//` in a string costs only the rest of that line.
    fn code(&self) -> &str {
        self.text.split("//").next().unwrap_or("")
    }

    fn place(&self) -> String {
        format!("src/{}:{}: {}", self.path.display(), self.number, self.text)
    }

    fn room(&self) -> String {
        let first = self.path.components().next().expect("a path").as_os_str().to_string_lossy();
        first.trim_end_matches(".rs").to_owned()
    }

    fn is_in(&self, path: &str) -> bool {
        self.path.starts_with(path)
    }

    /// The rooms that this line names: `crate::x`, in the binary `activitylog::x`, and each of `crate::{a, b}`.
    fn imports(&self) -> Vec<String> {
        let mut rooms = Vec::new();
        for prefix in ["crate::", "activitylog::"] {
            if prefix == "activitylog::" && self.room() != "main" {
                continue;
            }
            for rest in self.code().split(prefix).skip(1) {
                let names = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or(list));
                let names: Vec<&str> = if rest.starts_with('{') { names.split(',').collect() } else { vec![names] };
                for name in names {
                    let name = name.trim();
                    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
                    rooms.push(name[..end].to_owned());
                }
            }
        }
        rooms
    }
}

#[test]
fn imports_point_downward() {
    let lines = lines();
    let mut broken = Vec::new();
    for line in lines.iter().filter(|line| !line.in_tests) {
        let from = line.room();
        for to in line.imports() {
            let allowed = from == to
                || level(&from) < level(&to) && from != "lib" && (to != "demo" || from == "cli")
                || NEIGHBOURS.contains(&(from.as_str(), to.as_str()));
            if !allowed {
                broken.push(format!("{from} -> {to}  {}", line.place()));
            }
        }
    }
    complain("a room imports what stands beside or above it", &broken);
}

#[test]
fn no_neighbour_is_allowed_that_nobody_needs() {
    let lines = lines();
    for (from, to) in NEIGHBOURS {
        let used = lines.iter().any(|line| line.room() == from && line.imports().iter().any(|room| room == to));
        assert!(used, "{from} -> {to}");
    }
}

#[test]
fn the_demo_and_the_shipper_keep_to_what_they_were_given() {
    let lines = lines();
    for (room, may) in [
        ("demo", &["demo"][..]),
        ("ship", &["clickhouse", "spool", "telemetry"]),
        ("model", &["model"]),
        ("normalise", &["normalise", "model", "prices"]),
    ] {
        let mut broken = Vec::new();
        for line in lines.iter().filter(|line| line.room() == room && !line.in_tests) {
            broken.extend(line.imports().iter().filter(|to| !may.contains(&to.as_str())).map(|_| line.place()));
        }
        complain(room, &broken);
    }
}

#[test]
fn only_the_engine_starts_processes() {
    let lines = lines();
    for needle in ["process::Command", "tokio::process", "Command::new", "libc::fork"] {
        let broken: Vec<String> =
            holding(&lines, needle).filter(|line| !line.is_in("engine")).map(Line::place).collect();
        complain(needle, &broken);
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let lines = lines();
    for needle in ["env::var", "env::vars", "env::set_var", "env::remove_var", "home_dir()"] {
        let broken: Vec<String> =
            holding(&lines, needle).filter(|line| !line.is_in("config")).map(Line::place).collect();
        complain(needle, &broken);
    }
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let lines = lines();
    let word = |code: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
    let broken: Vec<String> = holding(&lines, "unsafe")
        .filter(|line| word(line.code().split('"').step_by(2).collect::<String>().as_str()))
        .filter(|line| !line.is_in("engine/child.rs"))
        .map(Line::place)
        .collect();
    complain("unsafe", &broken);
}

/// What cannot fail says why, on its line or above it.
#[test]
fn every_unwrap_says_why_it_can_not_fail() {
    let lines = lines();
    let mut broken = Vec::new();
    for needle in [".unwrap()", ".expect("] {
        for line in holding(&lines, needle) {
            let said = line.text.contains("// ")
                || line.above.starts_with("//")
                || says_why(&lines, line)
                || in_a_commented_statement(&lines, line);
            if !said {
                broken.push(line.place());
            }
        }
    }
    complain("no comment says why", &broken);
}

/// The message itself is a reason, not a label.
fn says_why(lines: &[Line], line: &Line) -> bool {
    let here = lines.iter().position(|other| std::ptr::eq(other, line)).expect("it is one of them");
    let text = format!("{}{}", line.text, lines.get(here + 1).map_or("", |next| &next.text));
    let message = text.split_once(".expect(").and_then(|(_, rest)| rest.split('"').nth(1));
    message.is_some_and(|message| message.split_whitespace().count() >= 4)
}

/// In a chain of calls the comment stands above its first line.
fn in_a_commented_statement(lines: &[Line], last: &Line) -> bool {
    let before: Vec<&Line> = lines.iter().filter(|line| line.path == last.path && line.number <= last.number).collect();
    let chain = before.iter().rev().take_while(|line| line.text.starts_with(['.', ')', '"'])).count();
    before.iter().rev().nth(chain).is_some_and(|first| first.above.starts_with("//"))
}
