//! A disk that tells what it was told (`disk.c`, preloaded into the real executable), and what would be left on it after a power cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The preloaded library, compiled once.
pub(crate) fn library() -> &'static str {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk.c");
        let new = library.with_extension(std::process::id().to_string());
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o"]);
        assert!(compiler.args([&new, &source]).status().unwrap().success());
        std::fs::rename(&new, &library).unwrap();
        library.to_str().unwrap().to_owned()
    })
}

/// What a disk was told, in its order.
pub(crate) struct Log {
    root: PathBuf,
    pub(crate) records: Vec<Record>,
}

pub(crate) struct Record {
    /// The log's length behind it.
    pub(crate) end: u64,
    path: String,
    told: Told,
}

#[derive(Clone)]
enum Told {
    Write(u64, Vec<u8>),
    Truncate(u64),
    Sync,
    Create,
    Directory,
    Unlink,
    Rename(String),
    Link(String),
}

/// Which syncs count in what is left after a power cut.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Syncs {
    /// All of them, as the disk promises.
    Kept,
    /// None of files: a disk that lies, or a program that does not ask.
    OfDirectoriesOnly,
    /// None of directories.
    OfFilesOnly,
}

impl Log {
    /// Reads all that was written down of this directory.
    pub(crate) fn read(file: &Path, root: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap();
        let (mut rest, mut records) = (&bytes[..], Vec::new());
        let mut take = |length: usize| {
            let (taken, left) = rest.split_at(length);
            rest = left;
            taken
        };
        let mut end = 0;
        while end < bytes.len() {
            let head = take(17).to_vec();
            let number = |from: usize| u32::from_le_bytes(head[from..from + 4].try_into().unwrap());
            let (path, data) = (number(1) as usize, number(5) as usize);
            let at = u64::from_le_bytes(head[9..17].try_into().unwrap());
            let path = String::from_utf8(take(path).to_vec()).unwrap();
            let data = take(data).to_vec();
            end += 17 + path.len() + data.len();
            let text = |data| String::from_utf8(data).unwrap();
            let told = match head[0] {
                b'W' => Told::Write(at, data),
                b'T' => Told::Truncate(at),
                b'S' => Told::Sync,
                b'C' => Told::Create,
                b'D' => Told::Directory,
                b'U' => Told::Unlink,
                b'R' => Told::Rename(text(data)),
                b'L' => Told::Link(text(data)),
                other => panic!("{other}"),
            };
            records.push(Record {
                end: end as u64,
                path,
                told,
            });
        }
        Self {
            root: root.to_owned(),
            records,
        }
    }

    /// The moments at which this file was written.
    pub(crate) fn writes_to(&self, name: &str) -> Vec<usize> {
        let told = self.records.iter().enumerate();
        told.filter(|(_, record)| {
            record.path.ends_with(name) && matches!(record.told, Told::Write(..))
        })
        .map(|(index, _)| index)
        .collect()
    }

    /// Puts into `place` what might be found of the root after a power cut behind so many records.
    pub(crate) fn cut(&self, records: usize, syncs: Syncs, seed: u64, place: &Path) {
        let mut disk = Disk::default();
        for record in &self.records[..records] {
            disk.take(record, syncs);
        }
        disk.lose_power(&mut StdRng::seed_from_u64(seed), &self.root, place);
    }
}

/// A change of names that its directory's next sync makes lasting.
#[derive(Clone)]
enum Renaming {
    Add(String, Node),
    Remove(String),
    Move(String, String),
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Directory,
    File(usize),
}

type Names = BTreeMap<String, Node>;

#[derive(Default)]
struct File {
    lasting: Vec<u8>,
    /// What came since the last sync.
    pending: Vec<Told>,
}

#[derive(Default)]
struct Disk {
    files: Vec<File>,
    /// As programs see them, and as they are on the disk.
    names: Names,
    lasting: Names,
    pending: Vec<(String, Renaming)>,
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').unwrap().0.to_owned()
}

impl Disk {
    fn rename(&mut self, path: &str, change: Renaming) {
        apply(&mut self.names, &change);
        self.pending.push((parent(path), change));
    }

    fn take(&mut self, record: &Record, syncs: Syncs) {
        let path = &record.path;
        match &record.told {
            Told::Create => {
                self.files.push(File::default());
                let node = Node::File(self.files.len() - 1);
                self.rename(path, Renaming::Add(path.clone(), node));
            }
            Told::Directory => self.rename(path, Renaming::Add(path.clone(), Node::Directory)),
            Told::Unlink => self.rename(path, Renaming::Remove(path.clone())),
            Told::Rename(to) => self.rename(path, Renaming::Move(path.clone(), to.clone())),
            Told::Link(to) => {
                let node = self.names[path];
                self.rename(to, Renaming::Add(to.clone(), node));
            }
            Told::Write(..) | Told::Truncate(_) => {
                if let Some(Node::File(file)) = self.names.get(path) {
                    self.files[*file].pending.push(record.told.clone());
                }
            }
            Told::Sync => match self.names.get(path) {
                Some(Node::File(file)) if syncs != Syncs::OfDirectoriesOnly => {
                    let File { lasting, pending } = &mut self.files[*file];
                    for told in pending.drain(..) {
                        write(lasting, &told);
                    }
                }
                Some(Node::File(_)) => {}
                _ if syncs == Syncs::OfFilesOnly => {}
                // A directory; the root was there before.
                _ => {
                    for (_, change) in self.pending.extract_if(.., |(within, _)| within == path) {
                        apply(&mut self.lasting, &change);
                    }
                }
            },
        }
    }

    /// What was synced is there. Of the rest anything may be: of names any change, of files any sector, whatever came before it.
    fn lose_power(mut self, random: &mut StdRng, root: &Path, place: &Path) {
        // Not always half of it: all but a little, or a little, is another matter.
        let odds = [0.0, 0.1, 0.5, 0.9, 1.0];
        let mut odds = || odds[random.random_range(0..odds.len())];
        let (of_names, of_bytes) = (odds(), odds());
        for (_, change) in std::mem::take(&mut self.pending) {
            if random.random_bool(of_names) {
                apply(&mut self.lasting, &change);
            }
        }
        // A directory that is not there has nothing in it.
        let root = root.to_str().unwrap();
        let is_there = |path: &str| {
            let mut path = parent(path);
            while path != root {
                if self.lasting.get(&path) != Some(&Node::Directory) {
                    return false;
                }
                path = parent(&path);
            }
            true
        };
        for (path, node) in self.lasting.iter().filter(|(path, _)| is_there(path)) {
            let to = place.join(path[root.len()..].trim_start_matches('/'));
            let Node::File(file) = node else {
                std::fs::create_dir(to).unwrap();
                continue;
            };
            let File { lasting, pending } = &self.files[*file];
            let mut bytes = lasting.clone();
            for told in pending {
                lose_some(&mut bytes, told, of_bytes, random);
            }
            std::fs::write(to, bytes).unwrap();
        }
    }
}

fn apply(names: &mut Names, change: &Renaming) {
    match change {
        Renaming::Add(path, node) => drop(names.insert(path.clone(), *node)),
        Renaming::Remove(path) => drop(names.remove(path)),
        Renaming::Move(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

fn write(file: &mut Vec<u8>, told: &Told) {
    match told {
        Told::Write(at, bytes) => {
            let at = usize::try_from(*at).unwrap();
            file.resize(file.len().max(at + bytes.len()), 0);
            file[at..at + bytes.len()].copy_from_slice(bytes);
        }
        Told::Truncate(size) => file.resize(usize::try_from(*size).unwrap(), 0),
        _ => {}
    }
}

/// The smallest piece that a disk writes as a whole.
const SECTOR: usize = 512;

/// Writes some sectors of what was told, or nothing, or makes the file as long as it would have become.
fn lose_some(file: &mut Vec<u8>, told: &Told, odds: f64, random: &mut StdRng) {
    let Told::Write(at, bytes) = told else {
        if random.random_bool(odds) {
            write(file, told);
        }
        return;
    };
    let at = usize::try_from(*at).unwrap();
    if random.random_bool(odds) {
        file.resize(file.len().max(at + bytes.len()), 0);
    }
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
        if random.random_bool(odds) {
            write(
                file,
                &Told::Write((at + from) as u64, bytes[from..to].to_vec()),
            );
        }
        from = to;
    }
}
