//! What `engine --version` says of the build: the commit, where there is one, the target and the profile.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything by its environment"
)]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Cargo always sets both for a build script.
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=ENGINE_TARGET={target}");
    println!("cargo::rustc-env=ENGINE_PROFILE={}", profile());
    println!("cargo::rerun-if-env-changed=ENGINE_COMMIT");
    println!("cargo::rustc-env=ENGINE_COMMIT={}", commit());
}

/// The commit and its day. A debug build doesn't say: it would have to be built anew for each commit. Who builds from an
/// archive may say it in `ENGINE_COMMIT`; the container's build does.
fn commit() -> String {
    if let Some(given) = env::var("ENGINE_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty())
    {
        return given;
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "not told by debug builds".to_owned();
    }
    // An archive that was unpacked inside another project's checkout must not tell that project's commit.
    let ours = git(&["ls-files", "--error-unmatch", "build.rs"]).is_some();
    let described = git(&["log", "-1", "--format=%h of %cs", "--abbrev=9"]);
    let Some(commit) = described.filter(|_| ours) else {
        return "unknown, since this was not built in a checkout".to_owned();
    };
    watch_commits();
    commit
}

/// A commit and a change of branch are seen here; what only looks at files is not built anew for them.
fn watch_commits() {
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// The folder of the profile: `PROFILE` calls everything that inherits from it `release`.
fn profile() -> String {
    let folder = env::var("OUT_DIR").unwrap_or_default();
    // …/<profile>/build/engine-cli-<hash>/out
    let profile = Path::new(&folder)
        .ancestors()
        .nth(3)
        .and_then(Path::file_name);
    profile.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// What git prints, if there is a git, and a checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
