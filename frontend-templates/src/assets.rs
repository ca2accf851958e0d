//! Static assets as bytes. Their addresses carry a hash of their content, so that browsers may keep
//! them for ever and still see every change.

/// A static file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    name: &'static str,
    extension: &'static str,
    hash: u64,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The style sheet.
pub const STYLE: Asset =
    Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css"));
/// The icon.
pub const ICON: Asset = Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg"));

/// All of them.
pub const ALL: [Asset; 2] = [STYLE, ICON];

impl Asset {
    const fn new(
        name: &'static str,
        extension: &'static str,
        content_type: &'static str,
        bytes: &'static [u8],
    ) -> Self {
        Self { name, extension, hash: fnv1a(bytes), content_type, bytes }
    }

    /// The file name, with the hash of the content.
    pub fn file_name(&self) -> String {
        format!("{}.{:016x}.{}", self.name, self.hash, self.extension)
    }

    /// The path it is served at.
    pub fn path(&self) -> String {
        format!("/static/{}", self.file_name())
    }
}

/// The asset with this file name.
pub fn find(file_name: &str) -> Option<Asset> {
    ALL.into_iter().find(|asset| asset.file_name() == file_name)
}

/// FNV-1a: tells versions of our own files apart, and need not resist anybody.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}
