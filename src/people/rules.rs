//! What holds for all of them: how things may be called, and that nobody gives away what they do not have.

use jiff::Timestamp;

use super::Problem;
use crate::auth::Principal;
use crate::auth::permissions::{BUILT_IN, PLATFORM_ADMIN, Permission, Permissions, SUPER_ADMIN};
use crate::auth::principal::permissions_of;
use crate::control::Snapshot;
use crate::control::records::User;

const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 2000;
const LONGEST_EMAIL: usize = 254;

/// Trimmed, without what a line can't hold.
pub fn name(field: &str, text: &str) -> Result<String, Problem> {
    let text = line(field, text, LONGEST_NAME)?;
    if text.is_empty() {
        return Err(Problem::invalid(format!("{field} is empty: give it one that people know it by")));
    }
    Ok(text)
}

/// As [`name`], or nothing.
pub fn name_or_nothing(field: &str, text: &str) -> Result<String, Problem> {
    line(field, text, LONGEST_NAME)
}

pub fn description(text: &str) -> Result<String, Problem> {
    line("description", text, LONGEST_DESCRIPTION)
}

fn line(field: &str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(Problem::invalid(format!("{field} is longer than {most} characters")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::invalid(format!("{field} holds control characters: leave them out")));
    }
    Ok(text.to_owned())
}

/// Lower case, so that one address is one user. No more than the shape is looked at: only a letter would tell whether it works.
pub fn email(text: &str) -> Result<String, Problem> {
    let email = text.trim().to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')');
    let whole = email.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains('@')
            && !domain.is_empty()
            && !domain.starts_with(['.', '-'])
            && !domain.ends_with(['.', '-'])
            && !domain.contains("..")
    });
    if !whole || email.len() > LONGEST_EMAIL || email.contains(odd) {
        return Err(Problem::invalid(format!("email: {:?} is not an address such as ada@example.com", shown(text))));
    }
    Ok(email)
}

/// Of a project or a custom role.
pub fn slug(field: &str, text: &str) -> Result<String, Problem> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !first || text.len() > 64 || !text.chars().all(inner) {
        return Err(Problem::invalid(format!(
            "{field}: {:?} must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit",
            shown(text)
        )));
    }
    Ok(text.to_owned())
}

pub fn tenant_id(text: &str) -> Result<String, Problem> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !first || text.len() > 63 || !text.chars().all(inner) {
        return Err(Problem::invalid(format!(
            "id: {:?} must be 1 to 63 of a-z, 0-9 and '-', and begin with a letter or digit",
            shown(text)
        )));
    }
    Ok(text.to_owned())
}

/// Enough of it to recognise.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// RFC 3339 with milliseconds; nothing for never.
pub fn instant(ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(ms).ok().filter(|_| ms != 0);
    time.map(|time| format!("{time:.6}"))
}

pub fn role_exists(snapshot: &Snapshot, tenant: &str, role: &str) -> bool {
    BUILT_IN.contains(&role) || snapshot.roles.contains_key(&(tenant.to_owned(), role.to_owned()))
}

/// Whether `who` may make somebody a `role`: only with rights that they have themselves.
pub fn may_give(snapshot: &Snapshot, who: &Principal, role: &str) -> Result<(), Problem> {
    if !role_exists(snapshot, who.tenant(), role) {
        return Err(Problem::invalid(format!("role: there is no role {:?}", shown(role))));
    }
    if role == PLATFORM_ADMIN && !who.has(Permission::TenantsManage) {
        return Err(Problem::not_allowed("only a platform admin makes platform admins"));
    }
    covers(who, permissions_of(snapshot, who.tenant(), role), "the role")
}

/// Whether `who` may change a user: only one who can do no more than they can.
pub fn may_change(snapshot: &Snapshot, who: &Principal, user: &User) -> Result<(), Problem> {
    covers(who, permissions_of(snapshot, &user.tenant_id, &user.role), "the user's role")
}

/// Nobody gives, takes or edits rights that they do not have.
pub fn covers(who: &Principal, permissions: Permissions, what: &str) -> Result<(), Problem> {
    if who.permissions.includes(permissions) {
        return Ok(());
    }
    let missing: Vec<&str> =
        permissions.iter().filter(|one| !who.permissions.has(*one)).map(Permission::as_str).collect();
    Err(Problem::not_allowed(format!("{what} has rights that you do not have: {}", missing.join(", "))))
}

/// Whether this user may do everything in their tenant, now.
pub fn leads(user: &User) -> bool {
    [SUPER_ADMIN, PLATFORM_ADMIN].contains(&user.role.as_str()) && !user.disabled
}

/// A tenant must not be left without anybody who may do everything in it. Whoever manages all tenants may take away another.
pub fn is_needed(snapshot: &Snapshot, who: &Principal, user: &User) -> Result<(), Problem> {
    let mut others = snapshot.users.values().filter(|other| other.tenant_id == user.tenant_id && other.id != user.id);
    let trusted = who.has(Permission::TenantsManage) && who.user_id != user.id;
    if !leads(user) || trusted || others.any(|other| leads(other)) {
        return Ok(());
    }
    Err(Problem::conflict("this is the last super admin of the tenant: make somebody else a super_admin first"))
}

/// Whether `who` sees what belongs to this project; an empty one is the whole tenant's.
pub fn in_scope(who: &Principal, project: &str) -> bool {
    who.scope.all_projects || !project.is_empty() && who.scope.projects.iter().any(|slug| slug == project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_user_however_it_is_written() {
        assert_eq!(email(" Ada@Example.COM ").expect("an address"), "ada@example.com");
        assert_eq!(email("administrator@localhost").expect("an address"), "administrator@localhost");
        for wrong in ["", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b..c", "a@.b", "<a@b>", "a@b,c@d", "a@b\n"] {
            assert_eq!(email(wrong).is_ok(), wrong == "a@b\n", "{wrong:?}");
        }
        assert!(email(&format!("{}@b.c", "a".repeat(300))).is_err());
    }

    #[test]
    fn names_in_addresses_are_plain() {
        for right in ["a", "0", "shop.web_2-x", &"a".repeat(64)] {
            assert!(slug("slug", right).is_ok(), "{right}");
        }
        for wrong in ["", "-a", ".a", "A", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(slug("slug", wrong).is_err(), "{wrong}");
        }
        assert!(tenant_id("acme-2").is_ok() && tenant_id("acme.2").is_err() && tenant_id("-a").is_err());
        assert!(tenant_id(&"a".repeat(63)).is_ok() && tenant_id(&"a".repeat(64)).is_err());
    }
}
