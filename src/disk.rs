//! What data lie on: directories that outlive a power cut, and file systems that SQLite's write-ahead log can't be trusted to.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Makes a directory that is its owner's alone, with those above it, if it is missing. It is as durable then as what is synced in it:
/// without its name in the one above, a power cut would take it away with everything that was.
///
/// # Errors
/// What the system says.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<_> = path.ancestors().take_while(is_missing).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for made in missing {
        match sync(directory_of(made)) {
            // Not every file system can.
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a directory's entries to the disk: a name is as durable as the last of these.
///
/// # Errors
/// What the system says.
pub fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The directory that a file is in.
#[must_use]
pub fn directory_of(file: &Path) -> &Path {
    let parent = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// What the system said of a file or directory of the data, as a sentence that says what to do.
#[must_use]
pub fn refusal(what: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => {
            "this user may not; run saryno as the user whose data these are, or give them to this one"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; mount it for writing, or choose another directory with --data"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "there is no room left on the disk; make some"
        }
        _ => "choose another directory with --data, or mend this one",
    };
    Error::Internal(format!(
        "{} can't be opened: {error}; {advice}",
        what.display()
    ))
}

/// How far a file system is to be trusted with a database that several processes write, whose log they share in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A local one.
    Full,
    /// One that may be local and may be not: a share of a virtual machine's host, or a program's.
    Doubtful,
    /// One on another machine: locks and shared memory don't reach there, and what is synced may not be.
    None,
}

/// File systems of other machines, as Linux calls their types.
const REMOTE: [&str; 17] = [
    "acfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "smb3",
    "smbfs",
];

/// Programs that show another machine's files through FUSE.
const REMOTE_PROGRAMS: [&str; 16] = [
    "ceph-fuse",
    "curlftpfs",
    "davfs2",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "juicefs",
    "mfs",
    "mount.davfs",
    "nfs",
    "rclone",
    "s3fs",
    "s3ql",
    "seaweedfs",
    "smbnetfs",
    "sshfs",
];

/// What hosts show their virtual machines and containers, and what several machines may have mounted at once.
const DOUBTFUL: [&str; 11] = [
    "9p",
    "drvfs",
    "fakeowner",
    "fuse",
    "gfs2",
    "ocfs2",
    "osxfs",
    "prl_fs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
];

/// How far the file systems of this type are to be trusted.
#[must_use]
pub fn trust(kind: &str) -> Trust {
    match kind.strip_prefix("fuse.") {
        Some(program) if REMOTE_PROGRAMS.contains(&program) => Trust::None,
        Some(_) => Trust::Doubtful,
        None if REMOTE.contains(&kind) => Trust::None,
        None if DOUBTFUL.contains(&kind) => Trust::Doubtful,
        None => Trust::Full,
    }
}

/// The type of the file system that a directory is on, or would be made on, as Linux calls it; `None` where the system doesn't tell.
#[must_use]
pub fn kind_of(directory: &Path) -> Option<String> {
    let directory = std::path::absolute(directory).ok()?;
    let mut above = directory.ancestors();
    let directory = above.find_map(|path| fs::canonicalize(path).ok())?;
    // Names in it need not be Unicode.
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    let mut under = None;
    let mut depth = 0;
    for line in mounts.split(|byte| *byte == b'\n') {
        let fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
        // proc_pid_mountinfo(5): the place is the fifth field; the type comes behind a dash.
        let dash = fields.iter().position(|field| field == b"-");
        let kind = dash.and_then(|dash| fields.get(dash + 1));
        let (Some(place), Some(kind)) = (fields.get(4), kind) else {
            continue;
        };
        let place = unescaped(place);
        // The last of the deepest: what was mounted later hides what was there.
        if directory.starts_with(&place) && place.components().count() >= depth {
            depth = place.components().count();
            under = Some(String::from_utf8_lossy(kind).into_owned());
        }
    }
    under
}

/// A path as it stands there, where spaces and the like are a backslash and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        let code = behind
            .get(..3)
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(code) if *byte == b'\\' => {
                path.push(code);
                rest = behind.get(3..).unwrap_or_default();
            }
            _ => {
                path.push(*byte);
                rest = behind;
            }
        }
    }
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_from_local_ones() {
        for kind in [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "ceph",
            "fuse.sshfs",
            "fuse.rclone",
        ] {
            assert_eq!(trust(kind), Trust::None, "{kind}");
        }
        for kind in ["9p", "virtiofs", "fuse", "fuse.lxcfs", "vboxsf"] {
            assert_eq!(trust(kind), Trust::Doubtful, "{kind}");
        }
        for kind in [
            "ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "f2fs", "fuseblk", "apfs",
        ] {
            assert_eq!(trust(kind), Trust::Full, "{kind}");
        }
    }

    #[test]
    fn the_places_of_mounts_are_read_as_they_are_called() {
        assert_eq!(unescaped(br"/a\040b\134c"), PathBuf::from(r"/a b\c"));
        assert_eq!(unescaped(b"/mnt"), PathBuf::from("/mnt"));
        assert_eq!(unescaped(br"/a\04"), PathBuf::from(r"/a\04"));
    }

    #[test]
    fn the_root_is_on_some_file_system() {
        assert!(kind_of(Path::new("/")).is_some_and(|kind| !kind.is_empty()));
    }
}
