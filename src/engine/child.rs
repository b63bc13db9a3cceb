//! What `activitylog engine` runs: loads `libchdb.so` and is a ClickHouse until its stdin ends.
//!
//! This is the only unsafe code of ActivityLog, and the library is loaded nowhere else: whatever it does to its
//! process (signal handlers, threads, an allocator, `abort`), the parent and its spool don't share it.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libloading::{Library, Symbol};

use super::{EngineError, files};

/// What the parent passes on the command line.
#[derive(Debug, Clone)]
pub struct ChildOptions {
    pub data_dir: PathBuf,
    pub library: PathBuf,
}

/// How the child says "starting me again won't help"; its stderr then is the one line for the operator.
pub const EXIT_REFUSED: u8 = 78;

/// The versions that the tenant wall was tried on. 26.7 is the first that can listen in this mode.
const SUPPORTED: &str = "26.7 to 26.12";
const SUPPORTED_MAJOR: u32 = 26;
const SUPPORTED_MINOR: std::ops::RangeInclusive<u32> = 7..=12;

/// Listens, then waits for the end of stdin. Reading `/dev/stdin` blocks until every writing end of the pipe is closed,
/// and the only one is the parent's.
/// HTTP comes last, since it is what the parent waits for.
const QUERY: &str = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; \
                     SELECT count() FROM file('/dev/stdin', 'LineAsString', 'line String')";

/// `chdb_result * chdb_query_cmdline(int argc, char ** argv)`
type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Answer;
/// `const char * chdb_result_error(chdb_result *)`
type ResultError = unsafe extern "C" fn(*mut Answer) -> *const c_char;
/// `const char * chdb_version()`
type Version = unsafe extern "C" fn() -> *const c_char;

/// `chdb_result`, opaque.
#[repr(C)]
struct Answer {
    _opaque: [u8; 0],
}

/// Returns when stdin ended and the engine shut down.
///
/// # Errors
/// `LibraryUnusable`, `LibraryVersion` and `DataTooNew`, before anything in the data folder was touched; `Refused` with
/// the engine's own words when it ended with an error.
pub fn run(options: &ChildOptions) -> Result<(), EngineError> {
    let engine_dir = options.data_dir.join("engine");
    // Parts and logs are as private as the secrets beside them.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));

    // SAFETY: loading runs the library's initialisers. It is the one the parent found and this process has a single
    // thread and nothing to lose; what the initialisers do beyond memory safety of this process can't reach the parent.
    let library = unsafe { Library::new(&options.library) }.map_err(|error| unusable(options, error))?;
    check_version(options, &library, &engine_dir)?;

    let mut arguments = arguments(&engine_dir);
    let mut argv: Vec<*mut c_char> = arguments.iter_mut().map(|argument| argument.as_ptr().cast_mut()).collect();
    // argv[argc] is null, as it is for any main().
    argv.push(std::ptr::null_mut());

    // SAFETY: the types are those of chdb.h (above), which the version check vouches for.
    let query_cmdline: Symbol<QueryCmdline> = unsafe { symbol(options, &library, c"chdb_query_cmdline") }?;
    // SAFETY: as above.
    let result_error: Symbol<ResultError> = unsafe { symbol(options, &library, c"chdb_result_error") }?;
    // SAFETY: `argv` holds `argc` NUL-terminated strings and a null, in memory that outlives the call; C++ exceptions
    // are caught on the other side.
    let answer = unsafe { query_cmdline((argv.len() - 1) as c_int, argv.as_mut_ptr()) };
    let error = if answer.is_null() {
        None
    } else {
        // SAFETY: `answer` came from this library just now and is never freed; the string it gives lives in it.
        unsafe { text(result_error(answer)) }
    };

    // The engine's threads may still run code of the library; it stays mapped until the process is gone.
    std::mem::forget(library);
    match error {
        None => Ok(()),
        Some(words) => Err(EngineError::Refused(words)),
    }
}

/// The command line of `clickhouse-local`.
fn arguments(engine_dir: &Path) -> Vec<CString> {
    let configuration = engine_dir.join(files::ENGINE_XML);
    let parts: [&[u8]; 6] = [
        b"clickhouse-local",
        // Lifts the read-only profile of `default` for this one session (users.rs).
        b"--readonly=0",
        b"--config-file",
        configuration.as_os_str().as_bytes(),
        b"--query",
        QUERY.as_bytes(),
    ];
    // The folder exists by now, and no file system has names with NUL.
    parts.into_iter().map(|part| CString::new(part).expect("paths and constants hold no NUL")).collect()
}

/// Refuses versions that nobody tried, and data that a newer one may have written in a form this one misreads.
fn check_version(options: &ChildOptions, library: &Library, engine_dir: &Path) -> Result<(), EngineError> {
    // SAFETY: the type is that of chdb.h; a library without the symbol is refused.
    let function: Symbol<Version> = unsafe { symbol(options, library, c"chdb_version") }?;
    // SAFETY: takes nothing, and gives a constant string.
    let version = unsafe { text(function()) }.unwrap_or_default();

    let Some((major, minor)) = major_minor(&version) else {
        return Err(unusable(options, "it names no version"));
    };
    if major != SUPPORTED_MAJOR || !SUPPORTED_MINOR.contains(&minor) {
        return Err(EngineError::LibraryVersion { path: options.library.clone(), version, supported: SUPPORTED });
    }
    let note = engine_dir.join("version");
    let written_by = fs::read_to_string(&note).unwrap_or_default().trim().to_owned();
    match major_minor(&written_by) {
        Some(newest) if newest > (major, minor) => {
            Err(EngineError::DataTooNew { path: engine_dir.to_owned(), written_by, version })
        }
        _ if written_by == version => Ok(()),
        _ => files::write_private(&note, version.as_bytes()),
    }
}

/// `26.7.3` -> (26, 7)
fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// # Safety
/// `T` must be the function pointer type of the symbol `name`.
unsafe fn symbol<'lib, T>(
    options: &ChildOptions,
    library: &'lib Library,
    name: &CStr,
) -> Result<Symbol<'lib, T>, EngineError> {
    // SAFETY: passed on to the caller.
    unsafe { library.get(name) }.map_err(|error| unusable(options, error))
}

/// # Safety
/// `pointer` must be null or point to a NUL-terminated string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: promised by the caller.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

fn unusable(options: &ChildOptions, why: impl ToString) -> EngineError {
    EngineError::LibraryUnusable { path: options.library.clone(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(major_minor("26.7.3"), Some((26, 7)));
        assert_eq!(major_minor("26.10.1.5\n"), Some((26, 10)));
        assert_eq!(major_minor(""), None);
        assert!(major_minor("26.10.1") > major_minor("26.7.9"));
    }
}
