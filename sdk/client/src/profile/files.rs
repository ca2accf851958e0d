//! Files that appear whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
};

use crate::ClientError;

/// Writes a file so that after a crash either the old or the new content is there. `mode` are the
/// Unix permissions; folders that are missing are made for the owner alone.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ClientError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let partial = path.with_extension("part");
    let _ = fs::remove_file(&partial);
    let mut file = open(&partial, mode).map_err(ClientError::file(&partial))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(ClientError::file(&partial))?;
    fs::rename(&partial, path).map_err(ClientError::file(path))?;
    // The rename itself is durable once the folder is written; not every system lets one sync it.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), ClientError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(ClientError::file(path))
}

fn open(path: &Path, mode: u32) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}
