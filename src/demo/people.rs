//! Who and what the demo is about. Everyone is made up; the domain is example.com.

use super::random::Random;

#[derive(Debug, Clone)]
pub struct Developer {
    pub name: &'static str,
    pub login: &'static str,
    pub team: &'static Team,
    pub terminal: &'static str,
    /// Claude Code's random id of an installation.
    pub user_id: String,
    pub account: String,
}

#[derive(Debug, PartialEq)]
pub struct Team {
    pub project: &'static str,
    pub repository: &'static str,
    /// Languages of its files, as Claude Code names them.
    pub languages: &'static [&'static str],
}

/// The owner of every repository.
pub const OWNER: &str = "example-shop";
pub const ORGANIZATION: &str = "7a1c2f0e-52c4-4b8a-9d5e-3c1f7e0b9a64";

const CHECKOUT: Team = Team { project: "checkout", repository: "checkout-service", languages: &["Rust", "Markdown"] };
const STOREFRONT: Team =
    Team { project: "storefront", repository: "storefront-web", languages: &["TypeScript", "CSS"] };
const SEARCH: Team = Team { project: "search", repository: "search-index", languages: &["Python", "SQL"] };
const PLATFORM: Team = Team { project: "platform", repository: "platform-infra", languages: &["HCL", "YAML", "Go"] };
pub const TEAMS: [&Team; 4] = [&CHECKOUT, &STOREFRONT, &SEARCH, &PLATFORM];

const DEVELOPERS: [(&str, &str, &Team, &str); 8] = [
    ("Ada Demo", "ada", &CHECKOUT, "vscode"),
    ("Bo Demo", "bo", &CHECKOUT, "iTerm.app"),
    ("Cleo Demo", "cleo", &STOREFRONT, "vscode"),
    ("Dag Demo", "dag", &STOREFRONT, "WarpTerminal"),
    ("Eve Demo", "eve", &SEARCH, "tmux"),
    ("Finn Demo", "finn", &SEARCH, "iTerm.app"),
    ("Gus Demo", "gus", &PLATFORM, "xterm-256color"),
    ("Hana Demo", "hana", &PLATFORM, "vscode"),
];

/// The same eight for the same seed.
pub fn developers(random: &Random) -> Vec<Developer> {
    let each =
        |(i, (name, login, team, terminal)): (usize, &(&'static str, &'static str, &'static Team, &'static str))| {
            let mut random = random.fork(i as u64);
            Developer { name, login, team, terminal, user_id: random.hex(64), account: random.uuid() }
        };
    DEVELOPERS.iter().enumerate().map(each).collect()
}

// === impl Developer ===

impl Developer {
    pub fn email(&self) -> String {
        format!("{}@example.com", self.login)
    }
}

// === impl Team ===

impl Team {
    pub fn repository_url(&self) -> String {
        format!("https://git.example.com/{OWNER}/{}", self.repository)
    }
}
