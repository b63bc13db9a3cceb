//! The files of `DATA_DIR/engine/`: made, with their modes, before each start.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ports::Ports;
use super::{DataDirLock, EngineError, EngineOptions, server, users};

pub(super) const STORE: &str = "store";
pub(super) const USERS_XML: &str = "users.xml";
pub(super) const ENGINE_XML: &str = "engine.xml";
pub(super) const LOG: &str = "clickhouse.log";

/// Below this the engine would start and then fail at its first merge.
const SECRETS: &str = "secrets.json";
const MIN_FREE_BYTES: u64 = 32 << 20;

/// One of the engine's users, as HTTP and native clients name themselves.
#[derive(Clone)]
pub struct User {
    pub name: String,
    pub password: String,
}

/// The users that can log in. `wall` is not among them, and `default` has no rights over the network.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Owner of the schema; writes, migrates, and reads everything.
    pub writer: User,
    /// Reads the `pub` views, as the tenant that the query id names.
    pub reader: User,
    /// Reads the same, but what callers wrote: their conditions choose no granules by index.
    pub guest: User,
    /// Has no rights; parses what a user wrote.
    pub gate: User,
}

/// The folder, ready for an engine to start in.
#[derive(Debug, Clone)]
pub(super) struct EngineDir {
    pub(super) path: PathBuf,
    pub(super) credentials: Credentials,
}

/// `secrets.json`.
#[derive(Serialize, Deserialize)]
struct Secrets {
    writer: String,
    reader: String,
    /// Missing in folders of before there was such a user.
    #[serde(default)]
    guest: String,
    gate: String,
}

// === impl User ===

/// Without the password: credentials travel in structs that get logged.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Credentials ===

impl Credentials {
    /// Those of the engine in this data folder.
    pub fn load(data_dir: &Path) -> Result<Credentials, EngineError> {
        let path = data_dir.join("engine").join(SECRETS);
        match fs::exists(&path) {
            Ok(true) => Credentials::load_or_make(data_dir),
            _ => Err(EngineError::from_io(&path, std::io::ErrorKind::NotFound.into())),
        }
    }

    /// Made at the first start.
    pub fn load_or_make(data_dir: &Path) -> Result<Credentials, EngineError> {
        let dir = data_dir.join("engine");
        make_private_dir(&dir)?;
        let path = &dir.join(SECRETS);
        let mut secrets = match fs::read(path) {
            Ok(text) => serde_json::from_slice::<Secrets>(&text)
                .map_err(|error| EngineError::DamagedFile { path: path.to_owned(), why: error.to_string() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets =
                    Secrets { writer: random_hex(), reader: random_hex(), guest: random_hex(), gate: random_hex() };
                write_private(path, serde_json::json!(secrets).to_string().as_bytes())?;
                secrets
            }
            Err(error) => return Err(EngineError::from_io(path, error)),
        };
        if secrets.guest.is_empty() {
            secrets.guest = random_hex();
            write_private(path, serde_json::json!(secrets).to_string().as_bytes())?;
        }
        Ok(Credentials {
            writer: User { name: "writer".to_owned(), password: secrets.writer },
            reader: User { name: "reader".to_owned(), password: secrets.reader },
            guest: User { name: "guest".to_owned(), password: secrets.guest },
            gate: User { name: "gate".to_owned(), password: secrets.gate },
        })
    }

    pub(super) fn unknowable_password_hash() -> String {
        sha256_hex(random_hex().as_bytes())
    }
}

// === impl EngineDir ===

impl EngineDir {
    /// Makes the folders and passwords that are missing, and says early when the disk can't take an engine.
    pub(super) fn prepare(lock: &DataDirLock) -> Result<EngineDir, EngineError> {
        let path = lock.dir().join("engine");
        for dir in [path.clone(), path.join(STORE), path.join(STORE).join("user_defined"), path.join("format_schemas")]
        {
            make_private_dir(&dir)?;
        }
        let space = rustix::fs::statvfs(&path).map_err(|errno| EngineError::from_io(&path, errno.into()))?;
        if space.f_bavail.saturating_mul(space.f_frsize) < MIN_FREE_BYTES {
            return Err(EngineError::DiskFull { path });
        }
        let credentials = Credentials::load_or_make(lock.dir())?;
        Ok(EngineDir { path, credentials })
    }

    /// Writes what the engine reads at its start; before each one, since ports may have changed.
    pub(super) fn write_configuration(&self, options: &EngineOptions, ports: Ports) -> Result<(), EngineError> {
        let write = |name: &str, text: String| write_private(&self.path.join(name), text.as_bytes());
        write(ENGINE_XML, server::render(options, ports, &self.path))?;
        write(USERS_XML, users::render(options, &self.credentials))?;
        for (name, definition) in users::hidden_functions() {
            write(&format!("{STORE}/user_defined/function_{name}.sql"), definition)?;
        }
        ports.record(&self.ports_file())
    }

    pub(super) fn ports_file(&self) -> PathBuf {
        self.path.join("ports.json")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }
}

fn make_private_dir(path: &Path) -> Result<(), EngineError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| EngineError::from_io(path, error))
}

/// Replaces a file whole, readable by this user only: written beside, fsynced, renamed.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let beside = path.with_extension("new");
    let write = || {
        // A leftover of a crash keeps its mode, so it goes first.
        let _ = fs::remove_file(&beside);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| EngineError::from_io(path, error))
}

/// 256 bits.
fn random_hex() -> String {
    let mut bytes = [0u8; 32];
    // Without randomness there are no passwords, and nothing may start.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    hex(&bytes)
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text as the content of an XML element.
pub(super) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
