//! Whether a file seems to be in use, without touching it.
//!
//! etcd holds a lock on its database and on the segments it may write. To ask for the lock would be to take one, so the
//! kernel's own list of locks is read instead. It shows only those of processes that this one can see: nothing found says
//! nothing.
//!
//! ```text
//! 1: FLOCK  ADVISORY  WRITE 4711 08:02:1837462 0 EOF        /proc/locks, proc_locks(5)
//!                                ^^^^^ major:minor of the device in hexadecimal, inode
//! ```

use std::path::Path;

/// Whether a process holds a lock on the file; `false` also where that cannot be told.
pub(crate) fn is_locked(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let Ok(meta) = std::fs::metadata(path) else { return false };
        let Ok(locks) = std::fs::read_to_string("/proc/locks") else { return false };
        names(&locks, meta.dev(), meta.ino())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// Whether the list of locks names this file.
#[cfg(target_os = "linux")]
fn names(locks: &str, dev: u64, inode: u64) -> bool {
    // As glibc's gnu_dev_major and gnu_dev_minor divide it.
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & !0xfff);
    let minor = (dev & 0xff) | (dev >> 12 & !0xff);
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().any(|line| line.split_whitespace().any(|word| word == file))
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_names_a_file_by_device_and_inode() {
        let locks = "1: FLOCK  ADVISORY  WRITE 4711 08:02:1837462 0 EOF\n2: POSIX  ADVISORY  READ 5 fd:12:7 128 128\n";
        assert!(names(locks, 0x0802, 1_837_462));
        assert!(names(locks, 0xfd12, 7));
        assert!(!names(locks, 0x0802, 183_746));
        assert!(!names("", 0x0802, 1_837_462));
    }
}
