//! Compiles and kernels that are ended in the middle, and machines in trouble: full disks, folders that cannot
//! be written, compilers that are missing or are others. The session lives, nothing is left, and what is wrong
//! is said in one sentence.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kernel::client::{ExecuteOptions, Kernel};

use crate::home::{Compilers, Home, signal, until};
use crate::{ASSAY, check};

/// A cell whose compile takes seconds, and whose text no cache knows.
fn slow() -> String {
    let unique = RandomState::new().hash_one(0);
    let width = 100 + unique % 900;
    format!(
        "// opt: 3\ntype M = (Linear<784, {width}>, ReLU, Linear<{width}, 10>);\nlet dev = Cpu::default();\n\
         let mut model = dev.build_module::<M, f32>();\nlet mut grads = model.alloc_grads();\n\
         let mut adam = lab::dfdx::optim::Adam::new(&model, Default::default());\n\
         let x: Tensor<Rank2<32, 784>, f32, _> = dev.sample_normal();\n\
         let loss = model.forward_mut(x.trace(grads)).square().mean();\ngrads = loss.backward();\n\
         adam.update(&mut model, &grads)?;\n// {unique}"
    )
}

/// Starts `code`, and waits until the rustc that optimises it is running.
async fn start_compiling(kernel: &Kernel, compilers: &Compilers, code: &str) -> kernel::client::Execution {
    let execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    until("a compiler", || compilers.has("opt-level=3")).await;
    execution
}

#[tokio::test]
async fn an_interrupted_compile_loses_nothing() {
    let home = Home::new();
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = 7;").await;
    let compilers = Compilers::of(kernel.process_id());
    let mut execution = start_compiling(&kernel, &compilers, &slow()).await;
    kernel.client().interrupt().await.unwrap();
    let (_, reply) = execution.finish().await.unwrap();
    assert_eq!(reply["ename"], "Interrupted", "{reply}");
    // A process that was killed takes a moment to go; so does the compiler that was asked for types beside it.
    until("the end of all compilers", || compilers.running().is_empty()).await;
    until("the end of their folders", || home.work_folders().is_empty()).await;
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn a_kernel_that_is_killed_while_it_compiles_leaves_nothing() {
    let home = Home::new();
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "1").await;
    let compilers = Compilers::of(kernel.process_id());
    let _execution = start_compiling(&kernel, &compilers, &slow()).await;
    assert!(!home.work_folders().is_empty());
    signal("KILL", kernel.process_id());
    until("the end of all compilers", || compilers.are_gone()).await;
    assert_eq!(home.work_folders(), <[PathBuf; 0]>::default());
}

#[tokio::test]
async fn a_kernel_that_is_ended_while_it_compiles_leaves_nothing() {
    for signalled in [true, false] {
        let home = Home::new();
        let kernel = home.start(&[]).await;
        check::execute(&kernel, "1").await;
        let compilers = Compilers::of(kernel.process_id());
        let _execution = start_compiling(&kernel, &compilers, &slow()).await;
        if signalled {
            signal("TERM", kernel.process_id());
        } else {
            kernel.shutdown().await;
        }
        until("the end of all compilers", || compilers.are_gone()).await;
        assert_eq!(home.work_folders(), <[PathBuf; 0]>::default(), "signalled: {signalled}");
    }
}

/// As after a power cut: nobody was there to clean up.
#[tokio::test]
async fn what_is_left_all_the_same_goes_at_the_next_start() {
    let home = Home::new();
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "1").await;
    let environment = fs::read_dir(home.path().join("cells")).unwrap().next().unwrap().unwrap().path();
    let left = environment.join("plain/.work-left");
    fs::create_dir(&left).unwrap();
    let compilers = Compilers::of(kernel.process_id());
    let mut execution = start_compiling(&kernel, &compilers, &slow()).await;
    let other = home.start(&[]).await;
    until("the end of what is left", || !left.exists()).await;
    // The work of a kernel that lives stays.
    assert!(!home.work_folders().is_empty());
    let (_, reply) = execution.finish().await.unwrap();
    assert_eq!(reply["status"], "ok", "{reply}");
    other.shutdown().await;
    kernel.shutdown().await;
}

/// A file system of its own; `None`, and a word, where this process may not mount one.
struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            refused => {
                let why = refused.map_or_else(|error| error.to_string(), |output| format!("{output:?}"));
                // Not through `eprintln!`, which the test runner keeps to itself.
                let _ = writeln!(std::io::stderr(), "\nSKIPPED, since nothing can be mounted here: {why}\n");
                None
            }
        }
    }

    fn again(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }

    /// Fills it but for `left` bytes.
    fn fill(&self, left: u64) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let size = file.metadata().unwrap().len();
        file.set_len(size - left).unwrap();
        path
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a failed test may have left a kernel in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn assert_one_sentence(message: Option<&str>, parts: &[&str]) {
    let message = message.expect("an error");
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

/// Skipped, with a word, where this process may not mount a file system.
#[tokio::test]
async fn a_full_disk_is_one_sentence_and_no_more() {
    let home = Home::new();
    let Some(disk) = Mount::new(&home.path().join("cells"), "8m") else { return };
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = 7; fn f() -> i32 { 3 }").await;
    // Full before the source is written, while rustc writes, and while the linker does.
    for left in [0, 4 << 10, 8 << 10] {
        let filler = disk.fill(left);
        for cell in [format!("let x{left} = kept + {left};"), format!("fn g{left}() -> i32 {{ {left} + f() }}")] {
            let seen = check::execute(&kernel, &cell).await;
            assert_one_sentence(seen.error(), &["No space left", "free some space", "ASSAY_HOME"]);
        }
        fs::remove_file(filler).unwrap();
        let seen = check::execute(&kernel, &format!("kept + f() + {left}")).await;
        assert_eq!(seen.result(), Some((10 + left).to_string().as_str()), "{seen:?}");
    }
    until("the end of all work folders", || home.work_folders().is_empty()).await;
    kernel.shutdown().await;
}

/// Skipped, with a word, where this process may not mount a file system.
#[tokio::test]
async fn a_home_that_cannot_be_written_is_one_sentence() {
    let home = Home::new();
    let Some(disk) = Mount::new(&home.path().join("cells"), "8m") else { return };
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = 7;").await;
    disk.again("ro");
    let seen = check::execute(&kernel, "kept + 1").await;
    assert_one_sentence(seen.error(), &["Read-only", "make it writable", "ASSAY_HOME"]);
    disk.again("rw");
    assert_eq!(check::execute(&kernel, "kept + 1").await.result(), Some("8"));
    kernel.shutdown().await;
    // All of it, and nothing built.
    disk.again("ro");
    let output = Command::new(ASSAY).args(["env", "build"]).env("ASSAY_HOME", &disk.0).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_one_sentence(Some(said.trim_end()), &["Read-only", "make it writable", "ASSAY_HOME"]);
}

/// Skipped, with a word, where this process may not mount a file system.
#[tokio::test]
async fn a_disk_that_fills_up_during_a_build_is_one_sentence() {
    let home = Home::empty();
    // Room for the sources, and for little of what is made of them.
    let Some(disk) = Mount::new(&home.path(), "8m") else { return };
    let output = Command::new(ASSAY).args(["env", "build"]).env("ASSAY_HOME", &disk.0).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let (progress, error) = said.split_once("error: ").expect("an error");
    assert!(progress.contains("building the environment"), "{said}");
    assert_one_sentence(Some(error.trim_end()), &["No space left", "free some space", "ASSAY_HOME"]);
}

#[tokio::test]
async fn without_rust_the_message_says_how_to_get_it() {
    let home = Home::new();
    let version = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust-toolchain.toml")).unwrap();
    let version = version.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let nowhere = home.notebook().display().to_string();
    let kernel = home.start(&[("PATH", &nowhere), ("RUSTC", "")]).await;
    let seen = check::execute(&kernel, "1 + 1").await;
    assert_one_sentence(seen.error(), &["rustc", "rustup", version]);
    kernel.shutdown().await;
    let mut command = Command::new(ASSAY);
    command.args(["env", "path"]).env("PATH", &nowhere).env_remove("RUSTC").env("ASSAY_HOME", home.path());
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert_one_sentence(Some(String::from_utf8(output.stderr).unwrap().trim_end()), &["rustc", "rustup", version]);
}

/// A toolchain whose rustc is a script, so that it can be replaced.
fn fake_toolchain(folder: &Path) -> PathBuf {
    let ask = |arguments: &[&str]| {
        let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let output = Command::new("rustc").args(arguments).current_dir(pinned).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let real = PathBuf::from(ask(&["--print", "sysroot"]));
    fs::create_dir_all(folder.join("bin")).unwrap();
    symlink(real.join("lib"), folder.join("lib")).unwrap();
    symlink(real.join("bin/cargo"), folder.join("bin/cargo")).unwrap();
    let rustc = folder.join("bin/rustc");
    let (own, real) = (folder.display(), real.display());
    write_script(
        &rustc,
        &format!("[ \"$1 $2\" = '--print sysroot' ] && echo '{own}' || exec '{real}/bin/rustc' \"$@\""),
    );
    rustc
}

fn write_script(path: &Path, line: &str) {
    let part = path.with_extension("part");
    fs::write(&part, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(part, path).unwrap();
}

#[tokio::test]
async fn a_compiler_that_was_replaced_is_noticed() {
    let home = Home::new();
    let folder = home.notebook().join("toolchain");
    let rustc = fake_toolchain(&folder);
    let named = rustc.display().to_string();
    let kernel = home.start(&[("RUSTC", &named)]).await;
    check::execute(&kernel, "let kept = 7;").await;
    assert_eq!(check::execute(&kernel, "kept + 1").await.result(), Some("8"));
    let original = fs::read_to_string(&rustc).unwrap();

    // As rustc 1.97 of the nightly channel says it, shortened.
    let said = r#"{"$message_type":"diagnostic","message":"found crate `lab` compiled by an incompatible version of rustc","code":{"code":"E0514","explanation":null},"level":"error","spans":[],"children":[],"rendered":""}"#;
    let asked = format!(
        "[ \"$1\" = -vV ] && echo 'rustc 9.9.9 (other)' && exit\n[ \"$1\" = --print ] && echo '{}' && exit",
        folder.display()
    );
    write_script(&rustc, &format!("{asked}\necho '{said}' >&2\nexit 1"));
    let seen = check::execute(&kernel, "kept + 2").await;
    assert_one_sentence(seen.error(), &["another", "environment", "restart the kernel", &named]);

    // One that starts with it takes it for a toolchain that has no environment yet.
    let output = Command::new(ASSAY).args(["env", "path"]).env("RUSTC", &rustc).env("ASSAY_HOME", home.path()).output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    assert_one_sentence(Some(said.trim_end()), &["not built", "assay env build"]);

    fs::remove_file(&rustc).unwrap();
    let seen = check::execute(&kernel, "kept + 3").await;
    assert_one_sentence(seen.error(), &["rustup", &named]);
    write_script(&rustc, original.trim_start_matches("#!/bin/sh\n"));
    assert_eq!(check::execute(&kernel, "kept + 4").await.result(), Some("11"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn ctrl_c_ends_the_build_of_the_environment() {
    let home = Home::empty();
    // A shell's background jobs, tests among them, ignore Ctrl-C, and hand that down.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", ASSAY, "env", "build"]);
    command.env("ASSAY_HOME", home.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut build = command.spawn().unwrap();
    until("a crate", || home.path().join("build/src/Cargo.toml").exists()).await;
    let compilers = Compilers::of(build.id());
    until("a compiler", || compilers.has("--crate-name")).await;
    signal("INT", build.id());
    assert!(!build.wait().unwrap().success());
    until("the end of all compilers", || compilers.are_gone()).await;
    assert!(!home.path().join("environments").exists());
}

#[tokio::test]
async fn an_interrupt_ends_the_build_of_the_environment() {
    let home = Home::empty();
    let kernel = home.start(&[]).await;
    let compilers = Compilers::of(kernel.process_id());
    // It can be tried again, and be stopped again.
    for _ in 0..2 {
        let mut execution = kernel.client().execute("1 + 1", ExecuteOptions::default()).unwrap();
        while let Some(event) = execution.next().await.unwrap() {
            let shown = event.content["text"].as_str().unwrap_or_default();
            if shown.contains("building the environment") && shown.contains(" crates") {
                assert!(!compilers.running().is_empty());
                kernel.client().interrupt().await.unwrap();
            }
        }
        assert_eq!(execution.reply().unwrap()["ename"], "Interrupted");
        until("the end of all compilers", || compilers.running().is_empty()).await;
    }
    kernel.shutdown().await;
}
