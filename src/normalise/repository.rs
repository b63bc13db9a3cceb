//! `owner/name` of a repository, from what the `vcs.*` conventions say about it.

use crate::model::event::Str;

/// From `vcs.repository.url.full`, else from `vcs.owner.name` and `vcs.repository.name`; empty where neither is known.
pub fn name<'a>(url: Str<'a>, owner: Str<'a>, name: Str<'a>) -> Str<'a> {
    if let Some(path) = from_url(&url) {
        return path.into();
    }
    match (owner.is_empty(), name.is_empty()) {
        // some senders put owner/name in the name
        (_, false) if name.contains('/') || owner.is_empty() => name,
        (false, false) => format!("{owner}/{name}").into(),
        _ => "".into(),
    }
}

/// The last two segments of the path, without `.git`: `https://github.com/o/n`, `git@github.com:o/n.git`,
/// `https://dev.azure.com/org/project/_git/n` (project/n).
fn from_url(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':')?.1,
    };
    let path = path.split(['?', '#']).next()?;
    let mut segments = path.rsplit('/').filter(|s| !s.is_empty() && *s != "_git");
    let name = segments.next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    let owner = segments.next()?;
    Some(format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn owner_and_name_from_every_spelling() {
        for (url, owner, name, expected) in [
            ("https://github.com/acme/shop", "", "", "acme/shop"),
            ("https://github.com/acme/shop.git?x#y", "", "", "acme/shop"),
            ("git@github.com:acme/shop.git", "", "", "acme/shop"),
            ("ssh://git@host:22/acme/shop/", "", "", "acme/shop"),
            ("https://gitlab.com/group/sub/shop", "", "", "sub/shop"),
            ("https://dev.azure.com/org/proj/_git/shop", "", "", "proj/shop"),
            ("", "acme", "shop", "acme/shop"),
            ("", "", "acme/shop", "acme/shop"),
            ("", "", "shop", "shop"),
            ("", "acme", "", ""),
            ("nonsense", "acme", "shop", "acme/shop"),
            ("https://host", "", "", ""),
        ] {
            let found = super::name(url.into(), owner.into(), name.into());
            assert_eq!(found, expected, "{url} {owner} {name}");
        }
    }
}
