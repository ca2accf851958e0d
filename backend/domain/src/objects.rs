//! Where an object lies inside an object store. The digest is the name, so the path says nothing about
//! who owns it.

use sordino_protocol::digest::Digest;

/// The folder of finished objects.
pub const FOLDER: &str = "objects";

/// The path of an object: `objects/`, the first two hexadecimal digits, and all 64. The extra level keeps
/// folders of a local store small.
pub fn path(digest: &Digest) -> String {
    let hex = digest.to_string();
    format!("{FOLDER}/{}/{hex}", &hex[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_three_levels() {
        let digest = Digest::from_bytes([0xab; 32]);
        assert_eq!(path(&digest), format!("objects/ab/{}", "ab".repeat(32)));
    }
}
