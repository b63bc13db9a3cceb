//! A disk in memory that keeps what is durable apart from what is merely written, and dies where a test wants it to.
//!
//! - A file's bytes are durable once it was synced; its name, once the folder was.
//! - `kill`: the process died, the kernel did not; all that was written is still there, and still not durable.
//! - `power_cut`: of what was not durable, some survives: any prefix of the folder's changes, and of each file any prefix,
//!   zeros instead of bytes, single sectors of a write, or nothing.
//! - A failed sync marks the pages clean: a later sync that succeeds may still not have them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::spool::disk::{Disk, DiskFile};
use crate::spool::folder::lock;

const SECTOR: usize = 64;

#[derive(Clone, Default)]
pub struct MemDisk(Arc<Mutex<World>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step fails and does nothing (a sync loses what it was to sync; a write leaves a part).
    Fails(io::ErrorKind),
    /// The machine stops here: this step may be done in part, all later ones fail until the next start.
    Dies,
}

#[derive(Default)]
struct World {
    now_ms: i64,
    free: Option<u64>,
    names: Names,
    durable_names: Names,
    unsynced: Vec<Change>,
    steps: u64,
    faults: HashMap<u64, Fault>,
    dead: bool,
    random: u64,
}

type Names = BTreeMap<PathBuf, Arc<Mutex<Inode>>>;

#[derive(Default)]
struct Inode {
    data: Vec<u8>,
    durable: Vec<u8>,
    /// From here on a sync failed.
    lost_from: Option<usize>,
}

#[derive(Clone)]
enum Change {
    Create(PathBuf, Arc<Mutex<Inode>>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

struct MemFile {
    disk: MemDisk,
    inode: Arc<Mutex<Inode>>,
}

// === impl MemDisk ===

impl MemDisk {
    pub fn new(seed: u64) -> MemDisk {
        let disk = MemDisk::default();
        let mut world = lock(&disk.0);
        (world.now_ms, world.random) = (1_000_000, seed | 1);
        drop(world);
        disk
    }

    pub fn advance(&self, ms: i64) {
        lock(&self.0).now_ms += ms;
    }

    pub fn set_free(&self, bytes: u64) {
        lock(&self.0).free = Some(bytes);
    }

    /// The step after so many others goes wrong.
    pub fn fault_in(&self, steps: u64, fault: Fault) {
        let mut world = lock(&self.0);
        let at = world.steps + steps;
        world.faults.insert(at, fault);
    }

    pub fn heal(&self) {
        lock(&self.0).faults.clear();
    }

    pub fn is_dead(&self) -> bool {
        lock(&self.0).dead
    }

    /// From now on nothing works: what is still running belongs to a dead process.
    pub fn die(&self) {
        lock(&self.0).dead = true;
    }

    /// The next start after a killed process.
    pub fn restart_after_kill(&self) {
        let mut world = lock(&self.0);
        world.dead = false;
        world.faults.clear();
    }

    /// The next start after the power was cut.
    pub fn restart_after_power_cut(&self) {
        let world = &mut *lock(&self.0);
        world.dead = false;
        world.faults.clear();
        let kept = world.below(world.unsynced.len() + 1);
        for change in std::mem::take(&mut world.unsynced).into_iter().take(kept) {
            change.apply(&mut world.durable_names);
        }
        let survivors: Vec<_> = world.durable_names.iter().map(|(path, inode)| (path.clone(), inode.clone())).collect();
        world.names.clear();
        for (path, inode) in survivors {
            let content = world.survive(&lock(&inode));
            let inode = Arc::new(Mutex::new(Inode { data: content.clone(), durable: content, lost_from: None }));
            world.names.insert(path, inode);
        }
        world.durable_names = world.names.clone();
    }

    pub fn read(&self, path: &Path) -> Vec<u8> {
        lock(&lock(&self.0).names[path]).data.clone()
    }

    /// Puts a file there, durable, whatever it says.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut world = lock(&self.0);
        let inode = Inode { data: bytes.to_vec(), durable: bytes.to_vec(), lost_from: None };
        let inode = Arc::new(Mutex::new(inode));
        world.names.insert(path.to_owned(), inode.clone());
        world.durable_names.insert(path.to_owned(), inode);
    }

    /// Counts a step that changes something; the answer says how it goes wrong.
    fn step(&self) -> Result<Option<Fault>, io::Error> {
        let mut world = lock(&self.0);
        if world.dead {
            return Err(io::Error::other("dead"));
        }
        let at = world.steps;
        world.steps += 1;
        let fault = world.faults.remove(&at);
        world.dead = fault == Some(Fault::Dies);
        Ok(fault)
    }

    /// A change of the folder: done, not done, or, when the machine dies, either.
    fn change(&self, change: impl FnOnce(&World) -> io::Result<Change>) -> io::Result<()> {
        let fault = self.step()?;
        let mut world = lock(&self.0);
        let change = change(&world)?;
        if fault.is_none() || (fault == Some(Fault::Dies) && world.below(2) == 1) {
            change.clone().apply(&mut world.names);
            world.unsynced.push(change);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl World {
    fn below(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as usize % limit
    }

    fn survive(&mut self, inode: &Inode) -> Vec<u8> {
        let (data, durable) = (&inode.data, &inode.durable);
        let from = data.iter().zip(durable).take_while(|(a, b)| a == b).count();
        if data.len() < durable.len() {
            return if self.below(2) == 0 { data.clone() } else { durable.clone() };
        }
        let cut = from + self.below(data.len() - from + 1);
        match self.below(5) {
            0 => durable.clone(),
            1 => data.clone(),
            2 => data[..cut].to_vec(),
            3 => {
                let mut zeroed = data.clone();
                zeroed[cut..].fill(0);
                zeroed
            }
            _ => {
                let mut sectors = data.clone();
                for sector in sectors[from..].chunks_mut(SECTOR) {
                    if self.below(2) == 0 {
                        sector.fill(0);
                    }
                }
                sectors
            }
        }
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Fault::Fails(kind) => kind.into(),
            Fault::Dies => io::Error::other("dead"),
        }
    }
}

impl Change {
    fn apply(self, names: &mut Names) {
        match self {
            Change::Create(path, inode) => {
                names.insert(path, inode);
            }
            Change::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            Change::Remove(path) => {
                names.remove(&path);
            }
        }
    }
}

impl Disk for MemDisk {
    fn now_ms(&self) -> i64 {
        lock(&self.0).now_ms
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(lock(&self.0).free.unwrap_or(u64::MAX))
    }

    fn make_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn Send + Sync>> {
        Ok(Box::new(()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let world = lock(&self.0);
        if world.dead {
            return Err(io::Error::other("dead"));
        }
        let inside = world.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        Ok(inside
            .map(|(path, inode)| {
                (path.file_name().unwrap().to_str().unwrap().to_owned(), lock(inode).data.len() as u64)
            })
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = Arc::new(Mutex::new(Inode::default()));
        self.change(|world| match world.names.contains_key(path) {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => Ok(Change::Create(path.to_owned(), inode.clone())),
        })?;
        Ok(Box::new(MemFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let world = lock(&self.0);
        if world.dead {
            return Err(io::Error::other("dead"));
        }
        let inode = world.names.get(path).ok_or(io::ErrorKind::NotFound)?.clone();
        Ok(Box::new(MemFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|world| match world.names.contains_key(from) {
            true => Ok(Change::Rename(from.to_owned(), to.to_owned())),
            false => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|world| match world.names.contains_key(path) {
            true => Ok(Change::Remove(path.to_owned())),
            false => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        if let Some(fault) = self.step()? {
            return Err(fault.error());
        }
        let mut world = lock(&self.0);
        for change in std::mem::take(&mut world.unsynced) {
            change.apply(&mut world.durable_names);
        }
        Ok(())
    }
}

// === impl MemFile ===

impl DiskFile for MemFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fault = self.disk.step()?;
        let written = match fault {
            None => bytes.len(),
            Some(_) => lock(&self.disk.0).below(bytes.len() + 1),
        };
        let mut inode = lock(&self.inode);
        let (from, to) = (offset as usize, offset as usize + written);
        if inode.data.len() < to {
            inode.data.resize(to, 0);
        }
        inode.data[from..to].copy_from_slice(&bytes[..written]);
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn read_all(&self) -> io::Result<Vec<u8>> {
        if self.disk.is_dead() {
            return Err(io::Error::other("dead"));
        }
        Ok(lock(&self.inode).data.clone())
    }

    fn sync(&self) -> io::Result<()> {
        let fault = self.disk.step()?;
        let mut inode = lock(&self.inode);
        let same = inode.data.iter().zip(&inode.durable).take_while(|(a, b)| a == b).count();
        if let Some(fault) = fault {
            inode.lost_from = Some(inode.lost_from.unwrap_or(same).min(same));
            return Err(fault.error());
        }
        let mut durable = inode.data.clone();
        if let Some(from) = inode.lost_from
            && from < durable.len()
        {
            durable[from..].fill(0);
        }
        inode.durable = durable;
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        if let Some(fault) = self.disk.step()? {
            return Err(fault.error());
        }
        let mut inode = lock(&self.inode);
        inode.data.resize(len as usize, 0);
        inode.lost_from = inode.lost_from.filter(|from| *from < len as usize);
        Ok(())
    }
}
