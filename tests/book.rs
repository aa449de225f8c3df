//! The documentation hangs together: each page is in the table of contents, and each link leads somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Every page below `docs`, relative to it.
fn pages() -> BTreeSet<PathBuf> {
    fn collect(folder: &Path, pages: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.insert(path);
            }
        }
    }
    let docs = root().join("docs");
    let mut found = BTreeSet::new();
    collect(&docs, &mut found);
    found
        .into_iter()
        .map(|path| path.strip_prefix(&docs).unwrap().to_owned())
        .filter(|path| path != Path::new("SUMMARY.md"))
        .collect()
}

#[test]
fn the_contents_list_each_page_once() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut listed = BTreeSet::new();
    for link in links(&summary) {
        assert!(
            listed.insert(PathBuf::from(&link)),
            "{link} is listed twice"
        );
    }
    assert_eq!(listed, pages());
}

#[test]
fn each_link_leads_to_a_file_and_a_heading() {
    let root = root();
    let mut sources: Vec<PathBuf> = pages()
        .iter()
        .map(|page| root.join("docs").join(page))
        .collect();
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/SUMMARY.md",
    ] {
        sources.push(root.join(name));
    }
    let mut broken = Vec::new();
    let mut followed = 0;
    for source in &sources {
        for link in links(&std::fs::read_to_string(source).unwrap()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            if let Err(problem) = follow(source, &link) {
                broken.push(format!("{}: `{link}`: {problem}", source.display()));
            }
        }
    }
    assert!(followed > 100, "{followed}");
    assert!(broken.is_empty(), "{broken:#?}");
}

fn follow(source: &Path, link: &str) -> Result<(), &'static str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => source.to_owned(),
        path => source.parent().unwrap().join(path),
    };
    if !target.exists() {
        return Err("there is no such file");
    }
    if anchor.is_empty() || anchors(&target).contains(anchor) {
        return Ok(());
    }
    Err("there is no such heading")
}

/// The targets of a page's links, outside code.
fn links(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every other part is between backticks; the label of a link may be code, its target never is.
        let text: Vec<&str> = line.split('`').step_by(2).collect();
        for behind in text.join("").split("](").skip(1) {
            let target = behind.split(')').next().unwrap();
            links.push(target.to_owned());
        }
    }
    links
}

/// What a page's headings, and the anchors written into it, can be reached by.
fn anchors(path: &Path) -> BTreeSet<String> {
    let page = std::fs::read_to_string(path).unwrap();
    let mut anchors = BTreeSet::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for behind in line.split("id=\"").skip(1) {
            anchors.insert(behind.split('"').next().unwrap().to_owned());
        }
        let title = line.trim_start_matches('#');
        if title.len() < line.len() && title.starts_with(' ') {
            anchors.insert(anchor(title.trim()));
        }
    }
    anchors
}

/// As GitHub and mdBook make it of a title: lower case, hyphens for spaces, and no other punctuation.
fn anchor(title: &str) -> String {
    let kept = title
        .chars()
        .filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn anchors_are_made_as_readers_of_markdown_make_them() {
    assert_eq!(anchor("What a `merge` is"), "what-a-merge-is");
    assert_eq!(anchor("401: the credentials"), "401-the-credentials");
    assert_eq!(links("see [`a`](b.md#c) and `[x](y)`"), ["b.md#c"]);
}
