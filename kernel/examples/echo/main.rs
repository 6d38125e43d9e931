//! A kernel whose language only echoes. It proves that `protocol` needs no Rust cell, and it is where the
//! protocol is tested: `echo --connection-file F`.

mod language;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use kernel::protocol;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).filter(|argument| argument != "kernel");
    let (Some(flag), Some(file)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: echo --connection-file FILE");
        return ExitCode::from(2);
    };
    if flag != "--connection-file" {
        eprintln!("usage: echo --connection-file FILE");
        return ExitCode::from(2);
    }
    match protocol::serve(&PathBuf::from(file), Arc::new(language::Echo::default())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}
