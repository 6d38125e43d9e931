//! Data sets that are too large to come along, and files of plain text.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::DataError;
use super::read::bytes;

/// The variable that names the folder of data sets.
const FOLDER: &str = "ASSAY_DATA";

/// Where known files come from.
const ORIGINS: [(&[&str], &str); 3] = [
    (&["california_housing.csv"], "housing.csv of https://github.com/ageron/data"),
    (&["tinyshakespeare.txt"], "input.txt of https://github.com/karpathy/char-rnn (data/tinyshakespeare)"),
    (
        &["titanic.csv", "diamonds.csv", "penguins.csv", "iris.csv", "mpg.csv"],
        "https://github.com/mwaskom/seaborn-data",
    ),
];

/// The path of a data set in the folder that the variable `ASSAY_DATA` names: for data that is too large to
/// come with a notebook.
///
/// ```ignore
/// let houses = read_csv(data_file("california_housing.csv")?)?;
/// ```
///
/// # Errors
/// When the variable, the folder or the file is missing: says which, and where to get the file if it is known.
pub fn data_file(name: &str) -> Result<PathBuf, DataError> {
    find(std::env::var_os(FOLDER), name)
}

/// Reads a text file in UTF-8; a gzipped one is unpacked.
///
/// # Errors
/// Names the file and the working folder when it can't be opened, and the place of the first byte that is not
/// UTF-8.
pub fn read_text(path: impl AsRef<Path>) -> Result<String, DataError> {
    text(path.as_ref())
}

fn find(folder: Option<OsString>, name: &str) -> Result<PathBuf, DataError> {
    let missing = |problem: String| DataError::DataFile { name: name.to_owned(), problem, origin: origin(name) };
    let folder = folder.filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.ok_or_else(|| missing(format!("{FOLDER} is not set")))?;
    if !folder.is_dir() {
        return Err(missing(format!("there is no folder {} ({FOLDER})", folder.display())));
    }
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(missing(format!("it is not in {} ({FOLDER})", folder.display()))) }
}

fn origin(name: &str) -> String {
    let known = ORIGINS.iter().find(|(names, _)| names.contains(&name));
    known.map_or(String::new(), |(_, place)| format!(" (get it from {place})"))
}

fn text(path: &Path) -> Result<String, DataError> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let reason = format!("byte {} is not part of a character", error.utf8_error().valid_up_to());
        DataError::Read { path: path.to_owned(), format: "UTF-8 text", reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_remedy() {
        let here = std::env::temp_dir();
        let nowhere = here.join("lab-no-such-folder");
        let cases = [
            (None, "california_housing.csv", "ASSAY_DATA is not set", "github.com/ageron/data"),
            (Some(OsString::new()), "titanic.csv", "ASSAY_DATA is not set", "github.com/mwaskom/seaborn-data"),
            (Some(nowhere.clone().into()), "iris.csv", "there is no folder", "github.com/mwaskom/seaborn-data"),
            (Some(here.clone().into()), "tinyshakespeare.txt", "it is not in", "github.com/karpathy/char-rnn"),
            (Some(here.into()), "lab-unknown.csv", "it is not in", "must name the folder that holds it"),
        ];
        for (folder, name, problem, remedy) in cases {
            let error = find(folder, name).expect_err("missing").to_string();
            for part in [name, problem, remedy, "ASSAY_DATA must name the folder"] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }

    #[test]
    fn a_file_in_the_folder_is_found_and_read() {
        let folder = std::env::temp_dir().join(format!("lab-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("a.txt"), "über").expect("a file");
        let path = find(Some(folder.clone().into()), "a.txt").expect("a path");
        assert_eq!(read_text(path).expect("text"), "über");
        std::fs::write(folder.join("b.txt"), b"ab\xff").expect("a file");
        let error = read_text(folder.join("b.txt")).expect_err("not UTF-8").to_string();
        assert!(error.contains("b.txt") && error.contains("UTF-8") && error.contains("byte 2"), "{error}");
        assert!(read_text(folder.join("c.txt")).expect_err("no file").to_string().contains("working folder"));
    }
}
