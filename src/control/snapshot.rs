//! The control tables at one moment, by what requests look them up by.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::records::{Invite, Membership, PackState, Project, Role, Session, Tenant, Token, User};
use super::sources::Source;
use super::table::{self, Record};

/// Ordered where a list is answered in that order.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The greatest of all rows'.
    pub version: u64,
    pub tenants: BTreeMap<String, Arc<Tenant>>,
    /// By id.
    pub users: HashMap<String, Arc<User>>,
    /// By tenant and name.
    pub roles: BTreeMap<(String, String), Arc<Role>>,
    /// By tenant and slug.
    pub projects: BTreeMap<(String, String), Arc<Project>>,
    /// By user id.
    pub memberships: HashMap<String, Vec<Arc<Membership>>>,
    /// By id.
    pub tokens: HashMap<String, Arc<Token>>,
    pub invites: HashMap<String, Arc<Invite>>,
    pub sessions: HashMap<String, Arc<Session>>,
    pub sources: HashMap<String, Arc<Source>>,
    /// By tenant and pack.
    pub packs: BTreeMap<(String, String), Arc<PackState>>,
    tokens_by_hash: HashMap<String, Arc<Token>>,
    sessions_by_hash: HashMap<String, Arc<Session>>,
    invites_by_hash: HashMap<String, Arc<Invite>>,
    projects_by_id: HashMap<String, Arc<Project>>,
}

/// A table's name, and a row of it as JSON.
#[derive(Deserialize)]
struct Line {
    t: String,
    r: String,
}

/// All tables in one question.
pub(super) fn question() -> String {
    let tables = [
        table::select::<Tenant>(),
        table::select::<User>(),
        table::select::<Role>(),
        table::select::<Project>(),
        table::select::<Membership>(),
        table::select::<Token>(),
        table::select::<Invite>(),
        table::select::<Session>(),
        table::select::<Source>(),
        table::select::<PackState>(),
    ];
    format!("SELECT t, r FROM ({}) ORDER BY t, r {}", tables.join(" UNION ALL "), table::SETTINGS)
}

/// What secrets are looked up by.
pub fn hash(secret: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(secret) {
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    hex
}

// === impl Snapshot ===

impl Snapshot {
    /// A row that this version can't read is left out: the others go on to work. Nothing of it is logged, since it may hold secrets.
    pub(super) fn new(rows: &[u8]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for line in rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let taken = match serde_json::from_slice::<Line>(line) {
                Ok(line) => snapshot.take(&line).map_err(|column| (line.t, column)),
                Err(error) => Err(("?".to_owned(), error.column())),
            };
            if let Err((table, column)) = taken {
                tracing::warn!(%table, column, "a row of a control table can't be read and is left out");
            }
        }
        snapshot.index();
        snapshot
    }

    /// The error is the column of the JSON at which it can't be read.
    fn take(&mut self, line: &Line) -> Result<(), usize> {
        match line.t.as_str() {
            Tenant::TABLE => self.read(line, |all, row: Tenant| drop(all.tenants.insert(row.id.clone(), row.into()))),
            User::TABLE => self.read(line, |all, row: User| drop(all.users.insert(row.id.clone(), row.into()))),
            Role::TABLE => self.read(line, |all, row: Role| {
                all.roles.insert((row.tenant_id.clone(), row.name.clone()), row.into());
            }),
            Project::TABLE => self.read(line, |all, row: Project| {
                all.projects.insert((row.tenant_id.clone(), row.slug.clone()), row.into());
            }),
            Membership::TABLE => self.read(line, |all, row: Membership| {
                all.memberships.entry(row.user_id.clone()).or_default().push(row.into());
            }),
            Token::TABLE => self.read(line, |all, row: Token| drop(all.tokens.insert(row.id.clone(), row.into()))),
            Invite::TABLE => self.read(line, |all, row: Invite| drop(all.invites.insert(row.id.clone(), row.into()))),
            Session::TABLE => {
                self.read(line, |all, row: Session| drop(all.sessions.insert(row.id.clone(), row.into())))
            }
            Source::TABLE => self.read(line, |all, row: Source| drop(all.sources.insert(row.id.clone(), row.into()))),
            PackState::TABLE => self.read(line, |all, row: PackState| {
                all.packs.insert((row.tenant_id.clone(), row.pack_id.clone()), row.into());
            }),
            _ => Ok(()),
        }
    }

    fn read<R: Record>(&mut self, line: &Line, put: impl FnOnce(&mut Snapshot, R)) -> Result<(), usize> {
        let mut row: R = serde_json::from_str(&line.r).map_err(|error| error.column())?;
        self.version = self.version.max(*row.version());
        put(self, row);
        Ok(())
    }

    fn index(&mut self) {
        self.tokens_by_hash = self.tokens.values().map(|row| (row.hash.0.clone(), row.clone())).collect();
        self.sessions_by_hash = self.sessions.values().map(|row| (row.hash.0.clone(), row.clone())).collect();
        self.invites_by_hash = self.invites.values().map(|row| (row.hash.0.clone(), row.clone())).collect();
        self.projects_by_id = self.projects.values().map(|row| (row.id.clone(), row.clone())).collect();
    }

    /// The token with this text, if it holds at this time.
    pub fn token(&self, text: &str, now_ms: i64) -> Option<&Arc<Token>> {
        self.tokens_by_hash.get(&hash(text)).filter(|token| token.holds_at(now_ms))
    }

    pub fn session(&self, cookie: &str, now_ms: i64) -> Option<&Arc<Session>> {
        self.sessions_by_hash.get(&hash(cookie)).filter(|session| now_ms < session.expires_at_ms)
    }

    pub fn invite(&self, secret: &str, now_ms: i64) -> Option<&Arc<Invite>> {
        self.invites_by_hash.get(&hash(secret)).filter(|invite| now_ms < invite.expires_at_ms)
    }

    pub fn project(&self, tenant: &str, slug: &str) -> Option<&Arc<Project>> {
        self.projects.get(&(tenant.to_owned(), slug.to_owned()))
    }

    pub fn project_by_id(&self, id: &str) -> Option<&Arc<Project>> {
        self.projects_by_id.get(id)
    }

    /// Of one tenant, by slug.
    pub fn projects_of<'s>(&'s self, tenant: &'s str) -> impl Iterator<Item = &'s Arc<Project>> {
        of_tenant(&self.projects, tenant)
    }

    /// The custom ones of one tenant, by name.
    pub fn roles_of<'s>(&'s self, tenant: &'s str) -> impl Iterator<Item = &'s Arc<Role>> {
        of_tenant(&self.roles, tenant)
    }

    /// What one tenant decided about packs, by pack.
    pub fn packs_of<'s>(&'s self, tenant: &'s str) -> impl Iterator<Item = &'s Arc<PackState>> {
        of_tenant(&self.packs, tenant)
    }

    pub fn pack(&self, tenant: &str, pack: &str) -> Option<&Arc<PackState>> {
        self.packs.get(&(tenant.to_owned(), pack.to_owned()))
    }

    /// Everyone in a tenant, by email.
    pub fn users_of(&self, tenant: &str) -> Vec<&Arc<User>> {
        let mut users: Vec<_> = self.users.values().filter(|user| user.tenant_id == tenant).collect();
        users.sort_by(|a, b| (&a.email, &a.id).cmp(&(&b.email, &b.id)));
        users
    }

    /// Those with this address: one in each tenant at most.
    pub fn users_with_email(&self, email: &str) -> Vec<&Arc<User>> {
        let mut users: Vec<_> = self.users.values().filter(|user| user.email.eq_ignore_ascii_case(email)).collect();
        users.sort_by(|a, b| a.tenant_id.cmp(&b.tenant_id));
        users
    }

    /// The slugs of the projects that a user is a member of.
    pub fn slugs_of(&self, user: &User) -> Vec<String> {
        let memberships = self.memberships.get(&user.id).into_iter().flatten();
        let projects = memberships
            .filter_map(|membership| self.project_by_id(&membership.project_id))
            .filter(|project| project.tenant_id == user.tenant_id);
        let mut slugs: Vec<String> = projects.map(|project| project.slug.clone()).collect();
        slugs.sort();
        slugs
    }
}

fn of_tenant<'s, T>(all: &'s BTreeMap<(String, String), Arc<T>>, tenant: &'s str) -> impl Iterator<Item = &'s Arc<T>> {
    let first = (tenant.to_owned(), String::new());
    all.range(first..).take_while(move |((of, _), _)| of == tenant).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<R: Record>(row: &R) -> String {
        let row = serde_json::to_string(row).expect("plain data");
        serde_json::json!({"t": R::TABLE, "r": row}).to_string()
    }

    #[test]
    fn a_row_that_can_not_be_read_leaves_the_others() {
        let tenant = Tenant { id: "acme".to_owned(), version: 9, ..Tenant::default() };
        let source = Source { id: "x".to_owned(), ..Source::default() };
        let unknown = line(&source).replace("standard", "gerrit").replace("\"x", "\"y");
        let rows = [line(&tenant), unknown, "{\"id\":\"hush".to_owned(), line(&source)].join("\n");
        let snapshot = Snapshot::new(rows.as_bytes());
        assert_eq!((snapshot.version, snapshot.tenants.len(), snapshot.sources.len()), (9, 1, 1));
    }

    #[test]
    fn tokens_are_found_by_their_text_until_they_end() {
        let token = Token { hash: hash("alg_i_x").into(), expires_at_ms: 10, ..Token::default() };
        let snapshot = Snapshot::new(line(&token).as_bytes());
        assert!(snapshot.token("alg_i_x", 9).is_some());
        assert!(snapshot.token("alg_i_x", 10).is_none() && snapshot.token("alg_i_y", 9).is_none());
        assert!(!format!("{:?}", snapshot.tokens).contains(&hash("alg_i_x")));
    }

    #[test]
    fn a_tenants_rows_are_its_own() {
        let project = |tenant: &str, slug: &str| Project {
            id: format!("{tenant}/{slug}"),
            tenant_id: tenant.to_owned(),
            slug: slug.to_owned(),
            ..Project::default()
        };
        let member =
            |id: &str| Membership { project_id: id.to_owned(), user_id: "u".to_owned(), ..Membership::default() };
        let rows = [
            line(&project("a", "p")),
            line(&project("ab", "p")),
            line(&project("a", "q")),
            line(&member("a/q")),
            line(&member("ab/p")),
        ];
        let snapshot = Snapshot::new(rows.join("\n").as_bytes());
        let slugs: Vec<_> = snapshot.projects_of("a").map(|project| project.id.as_str()).collect();
        assert_eq!(slugs, ["a/p", "a/q"]);
        let user = User { id: "u".to_owned(), tenant_id: "a".to_owned(), ..User::default() };
        assert_eq!(snapshot.slugs_of(&user), ["q"]);
    }
}
