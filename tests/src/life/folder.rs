//! A project folder as Kubernetes mounts a ConfigMap: what is in it are links, through one link that is exchanged.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Removed with the test.
pub struct Folder(PathBuf);

/// The link that is exchanged.
const DATA: &str = "..data";

impl Folder {
    /// With files, by their paths.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("rg-life-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let folder = Self(folder);
        folder.exchange(files);
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Has it hold these files from now on, all at once.
    pub fn exchange(&self, files: &[(&str, &str)]) {
        let name = format!("..{:016x}", fastrand::u64(..));
        std::fs::create_dir(self.0.join(&name)).unwrap();
        let before = std::fs::read_link(self.0.join(DATA)).ok();
        for (path, text) in files {
            let file = self.0.join(&name).join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
            let top = path.split('/').next().unwrap();
            if std::fs::symlink_metadata(self.0.join(top)).is_err() {
                symlink(Path::new(DATA).join(top), self.0.join(top)).unwrap();
            }
        }
        let next = self.0.join("..data_tmp");
        symlink(&name, &next).unwrap();
        std::fs::rename(next, self.0.join(DATA)).unwrap();
        if let Some(before) = before {
            std::fs::remove_dir_all(self.0.join(before)).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
