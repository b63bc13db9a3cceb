//! The packs that there are: those that come with the product, and those in the operator's folder.

use std::path::Path;
use std::sync::Arc;

use super::Pack;
use super::file::{BadPack, parse};

/// In the order of their list.
#[derive(Debug, Clone, Default)]
pub struct Library {
    packs: Vec<Arc<Pack>>,
    /// How many of them, the first, come with the product.
    built_in: usize,
}

const BUILT_IN: [&str; 5] = [
    include_str!("../../config/packs/claude-code.toml"),
    include_str!("../../config/packs/llm-cost.toml"),
    include_str!("../../config/packs/devops-webhooks.toml"),
    include_str!("../../config/packs/app-operator.toml"),
    include_str!("../../config/packs/audit.toml"),
];

// === impl Library ===

impl Library {
    pub fn built_in() -> Result<Library, BadPack> {
        let packs = BUILT_IN.into_iter().map(|text| parse(text).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Library { packs, built_in: BUILT_IN.len() })
    }

    /// And those in a folder: each `*.toml` in it, by name.
    pub fn with_folder(mut self, folder: &Path) -> Result<Library, BadPack> {
        let unreadable =
            |error: std::io::Error| BadPack(format!("packs.folder: cannot read {}: {error}", folder.display()));
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let wrong = |what: &dyn std::fmt::Display| BadPack(format!("{}: {what}", path.display()));
            let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
            let pack = parse(&text).map_err(|error| wrong(&error))?;
            if self.get(&pack.id).is_some() {
                return Err(wrong(&format!("there is a pack {:?} already", pack.id)));
            }
            self.packs.push(Arc::new(pack));
        }
        Ok(self)
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Pack>> {
        self.packs.iter().find(|pack| pack.id == id)
    }

    /// The operator's own.
    pub fn of_folder(&self) -> &[Arc<Pack>] {
        self.packs.get(self.built_in..).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_product_is_sound() {
        let library = Library::built_in().expect("sound");
        let ids: Vec<&str> = library.iter().map(|pack| pack.id.as_str()).collect();
        assert_eq!(ids, ["claude-code", "llm-cost", "devops-webhooks", "app-operator", "audit"]);
    }

    #[test]
    fn a_folder_adds_to_them_and_says_which_file_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let good = "id = 'mine'\ntitle = 'Mine'\ndescription = 'x'\nsources = ['app']\n[[panels]]\nid = 'p'\ntitle = 'P'\n\
                    description = 'p'\nvisual = 'table'\nsql = 'SELECT 1 AS one'\n";
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("mine.toml", good);
        write("notes.txt", "not a pack");
        let library = Library::built_in().and_then(|built_in| built_in.with_folder(folder.path())).expect("sound");
        assert!(library.get("mine").is_some());
        write("twice.toml", good);
        let error = Library::built_in().and_then(|built_in| built_in.with_folder(folder.path())).expect_err("twice");
        assert!(error.0.contains("twice.toml") && error.0.contains("already"), "{error}");
    }
}
