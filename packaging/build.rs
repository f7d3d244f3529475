//! What the program is told of its own making: the commit that it is built from, and the pages' files, compressed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error};

use flate2::Compression;
use flate2::bufread::GzEncoder;

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=packaging/build.rs");
    println!("cargo:rerun-if-env-changed=BUILD_COMMIT");
    // A debug build, which reads the files from the disk, need not begin anew with each commit and each change to a page.
    let release = env::var("PROFILE")? == "release";
    // Where the sources are without their history, whoever builds may know the commit. It is no `SARYNO_...`: those are settings, and
    // `cargo run` hands what a build script says on to the program, which refuses settings that it doesn't know.
    let named = env::var("BUILD_COMMIT").ok();
    let commit = named.filter(|name| !name.is_empty());
    let commit = commit.or_else(|| release.then(checked_out).flatten());
    // Empty where nobody knows, and in a debug build.
    println!(
        "cargo:rustc-env=BUILD_COMMIT={}",
        commit.unwrap_or_default()
    );
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("static");
    if release {
        println!("cargo:rerun-if-changed=static");
        let compressed = out.join("static");
        compress(&files, &compressed)?;
        files = compressed;
    }
    // Where they are, and what is behind their names, only this program knows.
    let end = if release { ".gz" } else { "" };
    let folder = files
        .to_str()
        .ok_or("the path is no UTF-8")?
        .escape_default();
    let embed = format!(
        "#[derive(RustEmbed)]\n#[folder = \"{folder}\"]\nstruct Static;\nconst END: &str = \"{end}\";\n"
    );
    fs::write(out.join("static.rs"), embed)?;
    Ok(())
}

/// Each file of the folder into the other, with `.gz` behind its name.
fn compress(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or(OsStr::new(""));
        if path.is_dir() {
            compress(&path, &to.join(name))?;
        } else {
            let mut name = name.to_owned();
            name.push(".gz");
            let plain = BufReader::new(File::open(&path)?);
            let mut gzip = GzEncoder::new(plain, Compression::best());
            io::copy(&mut gzip, &mut File::create(to.join(name))?)?;
        }
    }
    Ok(())
}

/// The commit that is checked out, where there is git.
fn checked_out() -> Option<String> {
    // A checkout changes HEAD; a commit changes the branch's file and, in any work tree, the log of HEAD.
    let branch = git(&["rev-parse", "--symbolic-full-name", "HEAD"])?;
    for name in ["HEAD", "logs/HEAD", &branch] {
        let path = git(&["rev-parse", "--git-path", name])?;
        // A file that is missing would have this run at each build.
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
