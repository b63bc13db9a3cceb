//! What each tenant wants kept, and what calls cost.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::StartError;
use crate::config::{Config, Content, ContentAction, ContentRule, TenantContent};
use crate::normalise::content::{Action, ContentRules, Custom, CustomRule, HashKey};
use crate::normalise::rules::{Rules, RulesByTenant, ScopeGlobs};
use crate::prices::Prices;

/// In the data folder.
const KEY_FILE: &str = "content.key";
const KEY_BYTES: usize = 32;

pub(super) fn by_tenant(config: &Config, prices: &Arc<Prices>) -> Result<RulesByTenant, StartError> {
    let key = hash_key(config)?;
    let ignore_scopes = ScopeGlobs::new(config.genai.ignore_scopes.iter().map(String::as_str));
    let rules = |content: ContentRules| {
        Arc::new(Rules { content, prices: prices.clone(), ignore_scopes: ignore_scopes.clone() })
    };
    let tenants = config.content.tenants.iter();
    Ok(RulesByTenant {
        default: rules(content(&config.content, &TenantContent::default(), &key)),
        tenants: tenants.map(|(id, own)| (id.clone(), rules(content(&config.content, own, &key)))).collect(),
    })
}

/// A tenant's own rules, then those for everybody.
fn content(general: &Content, own: &TenantContent, key: &HashKey) -> ContentRules {
    let rules: Vec<CustomRule> = own.rules.iter().chain(&general.rule).map(custom).collect();
    ContentRules { capture: own.capture.unwrap_or(general.capture), custom: Custom::new(&rules, key.clone()) }
}

fn custom(rule: &ContentRule) -> CustomRule {
    let action = match rule.action {
        ContentAction::Keep => Action::Keep,
        ContentAction::Drop => Action::Drop,
        ContentAction::Hash => Action::Hash,
    };
    CustomRule { names: rule.names.clone(), action, label: rule.label().to_owned() }
}

/// From the configuration, else from the data folder. Not made before a rule needs it.
fn hash_key(config: &Config) -> Result<HashKey, StartError> {
    if !config.content.hash_key.is_empty() || !config.content.hashes() {
        return Ok(HashKey::new(config.content.hash_key.as_bytes()));
    }
    let path = config.data_dir.join(KEY_FILE);
    let key = read_or_make(&path).map_err(|error| StartError::HashKey { path: path.display().to_string(), error })?;
    Ok(HashKey::new(&key))
}

/// A key that is lost or cut short would give equal values different hashes from then on, so one that is there is never
/// replaced.
fn read_or_make(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Ok(key) if key.len() == KEY_BYTES => return Ok(key),
        Ok(key) => {
            let message =
                format!("it has {} bytes instead of {KEY_BYTES}; restore it, or remove it for a new key", key.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = vec![0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let beside = path.with_extension("new");
    // A leftover of a crash keeps its mode, so it goes first.
    let _ = fs::remove_file(&beside);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The name has to survive a crash, too: rows are hashed with it from now on.
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(KEY_FILE);
        let key = read_or_make(&path).expect("made");
        assert_eq!(read_or_make(&path).expect("read"), key);
        assert_ne!(key, vec![0; KEY_BYTES]);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").expect("written");
        let error = read_or_make(&path).expect_err("refused").to_string();
        assert!(error.contains("5 bytes"), "{error}");
    }

    #[test]
    fn a_tenants_own_rules_come_first() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = r#"
            [content]
            hash_key = "0123456789abcdef"
            rule = [{ names = ["user.*"], action = "drop" }, { names = ["acme.id"], action = "hash" }]
            [content.tenants.acme]
            capture = true
            rules = [{ names = ["user.email"], action = "keep" }]
        "#;
        fs::write(file.path(), text).expect("written");
        let config = Config::layered(Some(file.path()), std::iter::empty()).expect("valid");
        let rules = by_tenant(&config, &Arc::default()).expect("rules");
        let found = |tenant: &str, name: &str| {
            let content = &rules.of(tenant).content;
            let custom = content.custom.as_ref().expect("rules");
            (content.capture, custom.find(name).map(|(_, action)| action))
        };
        assert_eq!(found("acme", "user.email"), (true, Some(Action::Keep)));
        assert_eq!(found("acme", "user.id"), (true, Some(Action::Drop)));
        assert_eq!(found("acme", "acme.id"), (true, Some(Action::Hash)));
        assert_eq!(found("else", "user.email"), (false, Some(Action::Drop)));
        assert_eq!(found("else", "url.query"), (false, None));
    }
}
