//! What others have done to the home: damaged files, permissions.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::Home;
use crate::{ASSAY, check};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// From what a file holds to what is left of it.
type Damage = fn(&[u8]) -> Vec<u8>;

#[tokio::test]
async fn damaged_files_of_the_cache_heal() {
    let home = Home::new();
    let cells = ["struct Pair(u8, u8);", "let pair = Pair(3, 4);", "pair.0 + pair.1"];
    let garbage: [Damage; 4] = [
        |_| Vec::new(),
        |whole| whole[..whole.len() / 2].to_vec(),
        |whole| vec![0x5a; whole.len()],
        |whole| [&whole[..whole.len() / 3], &vec![0; whole.len() - whole.len() / 3][..]].concat(),
    ];
    for damage in [None].into_iter().chain(garbage.into_iter().map(Some)) {
        let cache = files(&home.path().join("cells"));
        assert_eq!(cache.is_empty(), damage.is_none());
        if let Some(damage) = damage {
            for file in cache {
                let damaged = damage(&fs::read(&file).unwrap());
                fs::write(&file, damaged).unwrap();
            }
        }
        let kernel = home.start(&[]).await;
        for cell in &cells[..2] {
            assert_eq!(check::execute(&kernel, cell).await.error(), None, "{cell}");
        }
        assert_eq!(check::execute(&kernel, cells[2]).await.result(), Some("7"));
        kernel.shutdown().await;
    }
}

#[test]
fn a_home_in_which_others_may_write_is_refused() {
    let home = Home::empty();
    for mode in [0o777, 0o775, 0o757, 0o1777] {
        fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
        let output = Command::new(ASSAY).args(["env", "build"]).env("ASSAY_HOME", home.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("other users may write to"), "{mode:o}: {said}");
        assert!(said.contains("chmod go-w"), "{said}");
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
