//! Resources that depend on others: chains, combinations, what is copied from a parent.

use std::collections::BTreeSet;
use std::path::Path;

use engine_sandbox::Fixture;

use crate::support::{Finished, Served, Workspace, rows};

/// Two organisations with three repositories each, in one collection; what lies below them answers by the path.
const FIXTURE: &str = "
version: 1
name: hub
now: 2024-01-22T12:31:00Z
collections:
  orgs: { records: 2, fields: { id: { increment: { start: 1 } }, name: { words: { minimum: 1, maximum: 1 } } } }
  repos: { records: 3, fields: { name: { increment: { start: 10 } }, owner: { object: { id: { increment: { start: 70 } } } } } }
  teams: { records: 2, fields: { id: { increment: { start: 100 } } } }
  lines: { records: 1, fields: { line: { increment: { start: 1 } } } }
routes:
  - path: orgs
    answer: { list: { collection: orgs } }
  - path: 'orgs/{org}/repos'
    answer: { list: { collection: repos } }
  - path: 'orgs/{org}/teams'
    answer: { list: { collection: teams } }
  - path: 'orgs/{org}/repos/{repo}/lines'
    answer: { list: { collection: lines } }
  - path: 'owners/{owner}/lines'
    answer: { list: { collection: lines } }
  - path: 'orgs/{org}/teams/{team}/repos/{repo}/lines'
    answer: { list: { collection: lines } }
  - path: 'envelopes/{org}'
    answer: { list: { collection: lines, body: { records_at: lines, members: { total: total } } } }
  - path: lines
    answer: { list: { collection: lines } }
";

const HEAD: &str = "
version: 1
name: hub
client: { base_url: https://api.example.com }
resource_defaults: { endpoint: { paginator: single_page } }
resources:
  - orgs
  - { name: repos, endpoint: 'orgs/{resources.orgs.id}/repos' }
";

struct Run {
    workspace: Workspace,
    served: Served,
    finished: Finished,
}

impl Run {
    fn new(resources: &str) -> Self {
        let served = Served::start(Fixture::parse(FIXTURE).unwrap());
        let workspace = Workspace::new();
        let spec = workspace.write("spec.yaml", &format!("{HEAD}{resources}"));
        let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
        let finished = workspace.engine(arguments);
        Self {
            workspace,
            served,
            finished,
        }
    }

    fn destination(&self) -> std::path::PathBuf {
        self.workspace.path().join("data/hub")
    }

    /// Every path below `start` that was asked for, each with its query, in order of the text.
    fn asked(&self, start: &str) -> Vec<String> {
        let requests = self.served.requests().into_iter();
        let requests = requests.filter(|request| request.path.starts_with(start));
        let mut asked: Vec<String> = requests
            .map(|request| {
                let query: Vec<String> = request
                    .query
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{}?{}", request.path, query.join("&"))
            })
            .map(|text| text.trim_end_matches('?').to_owned())
            .collect();
        asked.sort();
        asked
    }
}

/// The values of some columns, row by row, in order of the text.
fn columns(destination: &Path, table: &str, columns: &[&str]) -> BTreeSet<String> {
    let row = |row: &std::collections::BTreeMap<String, String>| {
        let cells = columns
            .iter()
            .map(|column| row.get(*column).map_or("-", String::as_str));
        cells.collect::<Vec<_>>().join(" ")
    };
    rows(destination, table).rows.iter().map(row).collect()
}

#[test]
fn a_grandchild_names_its_grandparent() {
    let run = Run::new(
        "
  - name: lines
    include_from_parent: [owner.id, { resource: orgs, field: id, column: org }, { resource: orgs, field: name }]
    endpoint: 'orgs/{resources.orgs.id}/repos/{resources.repos.name}/lines'
  - name: owned
    endpoint: \"owners/{resources.repos['owner'].id}/lines\"
",
    );
    run.finished.assert_code(0);
    let destination = run.destination();
    let lines = rows(&destination, "lines");
    assert_eq!(lines.len(), 6);
    assert_eq!(lines.distinct(&["org", "_repos_owner_id"]), 6);
    assert_eq!(lines.distinct(&["org", "_orgs_name"]), 2);
    assert_eq!(
        columns(&destination, "lines", &["org"]),
        BTreeSet::from(["1".to_owned(), "2".to_owned()])
    );
    // Each owner is asked for once, though each organisation's list has it.
    assert_eq!(
        run.asked("/owners/"),
        ["/owners/70/lines", "/owners/71/lines", "/owners/72/lines"]
    );
}

#[test]
fn an_included_field_is_named_and_included_like_an_own_one() {
    let run = Run::new(
        "
  - { name: projects, include_from_parent: [id], endpoint: 'orgs/{resources.orgs.id}/repos' }
  - name: lines
    include_from_parent: [_orgs_id]
    endpoint: 'orgs/{resources.projects._orgs_id}/repos/{resources.projects.name}/lines'
",
    );
    run.finished.assert_code(0);
    let lines = rows(&run.destination(), "lines");
    assert_eq!(lines.len(), 6);
    assert_eq!(lines.distinct(&["_projects__orgs_id"]), 2);
    assert_eq!(run.asked("/orgs/1/repos/").len(), 3);
}

#[test]
fn independent_parents_give_every_combination() {
    let run = Run::new(
        "
  - { name: teams, endpoint: 'orgs/1/teams' }
  - name: lines
    include_from_parent: [{ resource: teams, field: id }, { resource: orgs, field: id }]
    endpoint: { path: lines, params: { org: '{resources.orgs.id}', team: '{resources.teams.id}' } }
",
    );
    run.finished.assert_code(0);
    assert_eq!(
        run.asked("/lines"),
        [
            "/lines?org=1&team=100",
            "/lines?org=1&team=101",
            "/lines?org=2&team=100",
            "/lines?org=2&team=101"
        ]
    );
    let lines = rows(&run.destination(), "lines");
    assert_eq!(lines.distinct(&["_orgs_id", "_teams_id"]), 4);
}

#[test]
fn parents_of_one_family_are_not_mixed() {
    // The teams and the repositories of one organisation belong together.
    let run = Run::new(
        "
  - { name: teams, endpoint: 'orgs/{resources.orgs.id}/teams' }
  - name: lines
    include_from_parent: [{ resource: orgs, field: name }]
    endpoint: 'orgs/{resources.orgs.id}/teams/{resources.teams.id}/repos/{resources.repos.name}/lines'
  - name: unnamed
    include_from_parent: [{ resource: orgs, field: id }]
    endpoint: { path: lines, params: { team: '{resources.teams.id}', repo: '{resources.repos.name}' } }
",
    );
    run.finished.assert_code(0);
    let lines = rows(&run.destination(), "lines");
    assert_eq!(lines.len(), 2 * 2 * 3);
    assert_eq!(lines.distinct(&["_orgs_name"]), 2);
    // Here both organisations ask for the same, and each has rows of its own.
    let unnamed = rows(&run.destination(), "unnamed");
    assert_eq!(unnamed.len(), 2 * 2 * 3);
    assert_eq!(unnamed.distinct(&["_orgs_id"]), 2);
}

#[test]
fn parameters_fill_the_path_as_in_dlt() {
    let run = Run::new(
        "
  - name: lines
    endpoint:
      path: 'orgs/{org}/repos/{repo}/lines'
      params:
        org: 2
        repo: { type: resolve, resource: repos, field: owner.id }
        state: open
",
    );
    run.finished.assert_code(0);
    assert_eq!(
        run.asked("/orgs/2/repos/"),
        [
            "/orgs/2/repos/70/lines?state=open",
            "/orgs/2/repos/71/lines?state=open",
            "/orgs/2/repos/72/lines?state=open"
        ]
    );
}

#[test]
fn a_page_that_became_one_row_is_told() {
    let run = Run::new(
        "
  - { name: guessed, endpoint: 'envelopes/{resources.orgs.id}' }
  - { name: paged, endpoint: { path: 'envelopes/{resources.orgs.id}', paginator: { type: offset, limit: 5, total_path: total } } }
  - { name: listed, endpoint: { path: 'envelopes/{org}', params: { org: 1 } } }
",
    );
    run.finished.assert_code(0);
    let told = &run.finished.stderr;
    assert!(
        told.contains("warning: guessed: the answer is taken for one record"),
        "{told}"
    );
    assert!(told.contains("a list (`lines`)"), "{told}");
    assert!(
        told.contains("warning: paged: the answer is taken for one record"),
        "{told}"
    );
    assert!(!told.contains("warning: listed"), "{told}");
    assert_eq!(rows(&run.destination(), "guessed").len(), 2);
    // What `params` fill in is no guess: the list is found.
    assert_eq!(rows(&run.destination(), "listed").distinct(&["line"]), 1);
}

#[test]
fn records_of_the_spec_feed_other_resources() {
    let run = Run::new(
        "
  - { name: regions, write_disposition: replace, data: [{ code: eu, size: 1.5 }, { code: us }] }
  - { name: numbers, selected: false, data: [3, 4] }
  - name: lines
    include_from_parent: [code]
    endpoint: { path: lines, params: { region: '{resources.regions.code}' } }
  - name: counted
    endpoint: { path: lines, params: { number: '{resources.numbers.value}' } }
",
    );
    run.finished.assert_code(0);
    assert_eq!(
        run.asked("/lines"),
        [
            "/lines?number=3",
            "/lines?number=4",
            "/lines?region=eu",
            "/lines?region=us"
        ]
    );
    let destination = run.destination();
    assert_eq!(
        columns(&destination, "regions", &["code", "size"]),
        BTreeSet::from(["eu 1.5".to_owned(), "us -".to_owned()])
    );
    assert_eq!(
        columns(&destination, "lines", &["_regions_code"]),
        BTreeSet::from(["eu".to_owned(), "us".to_owned()])
    );
    assert_eq!(rows(&destination, "numbers").len(), 0, "it is not selected");
    assert!(run.asked("/numbers").is_empty());
}

#[test]
fn one_request_asks_for_many_parents() {
    let run = Run::new(
        "
  - name: ids
    selected: false
    data: [1, 2, 3, 2, 4, 5]
  - name: lines
    parents_per_request: 2
    endpoint: { path: lines, params: { id: '{resources.ids.value}' } }
  - name: joined
    parents_per_request: 4
    endpoint: { path: 'owners/{resources.ids.value}/lines', params: { text: 'ids:{resources.ids.value}' } }
  - name: grouped
    parents_per_request: 10
    endpoint: { path: 'orgs/{resources.orgs.id}/repos/{resources.repos.name}/lines' }
",
    );
    run.finished.assert_code(0);
    assert_eq!(
        run.asked("/lines"),
        ["/lines?id=1&id=2", "/lines?id=3&id=4", "/lines?id=5"]
    );
    assert_eq!(
        run.asked("/owners"),
        [
            "/owners/1,2,3,4/lines?text=ids:1,2,3,4",
            "/owners/5/lines?text=ids:5"
        ]
    );
    assert_eq!(
        run.asked("/orgs/1/repos/"),
        ["/orgs/1/repos/10,11,12/lines"]
    );
    assert_eq!(rows(&run.destination(), "lines").len(), 3);
}

#[test]
fn what_is_not_selected_is_read_for_its_children_alone() {
    let unselected = "
  - { name: unread, selected: false, endpoint: lines }
  - { name: teams, selected: false, parallelized: false, endpoint: 'orgs/{resources.orgs.id}/teams' }
  - { name: lines, endpoint: { path: lines, params: { team: '{resources.teams.id}' } } }
";
    let run = Run::new(unselected);
    run.finished.assert_code(0);
    assert_eq!(run.asked("/lines"), ["/lines?team=100", "/lines?team=101"]);
    assert_eq!(rows(&run.destination(), "teams").len(), 0);
    assert_eq!(rows(&run.destination(), "lines").len(), 2);
}

#[test]
fn partitions_and_parents_multiply() {
    let run = Run::new(
        "
  - name: lines
    for_each: { kind: [open, closed] }
    endpoint: { path: 'orgs/{resources.orgs.id}/repos/1/lines', params: { kind: '{partition.kind}' } }
",
    );
    run.finished.assert_code(0);
    assert_eq!(
        run.asked("/orgs/1/repos/"),
        [
            "/orgs/1/repos/1/lines?kind=closed",
            "/orgs/1/repos/1/lines?kind=open"
        ]
    );
    assert_eq!(rows(&run.destination(), "lines").len(), 4);
}

#[test]
fn an_included_field_that_no_record_has_is_told() {
    let run = Run::new(
        "
  - name: lines
    include_from_parent: [nme, { resource: orgs, field: name }, { resource: orgs, field: region }]
    endpoint: { path: 'orgs/{resources.orgs.id}/repos/{resources.repos.name}/lines' }
",
    );
    run.finished.assert_code(0);
    let told = &run.finished.stderr;
    assert!(
        told.contains("repos: no record has the field `nme`, which `include_from_parent` names; did you mean `name`?"),
        "{told}"
    );
    assert!(
        told.contains("orgs: no record has the field `region`"),
        "{told}"
    );
    assert!(!told.contains("no record has the field `name`"), "{told}");
    assert_eq!(
        rows(&run.destination(), "lines").distinct(&["_orgs_name"]),
        2
    );
}

#[test]
fn a_grandchild_that_is_asked_for_alone_brings_its_ancestors() {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let resources = "
  - { name: teams, endpoint: 'orgs/{resources.orgs.id}/teams' }
  - { name: lines, endpoint: 'orgs/{resources.orgs.id}/repos/{resources.repos.name}/lines' }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{resources}"));
    let origin = served.origin();
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &origin];
    workspace
        .engine(arguments.into_iter().chain(["-r", "lines"]))
        .assert_code(0);
    let destination = workspace.path().join("data/hub");
    assert_eq!(rows(&destination, "lines").len(), 6);
    for table in ["orgs", "repos", "teams"] {
        assert_eq!(
            rows(&destination, table).len(),
            0,
            "{table} was not asked for"
        );
    }
    let asked = served.requests();
    assert!(
        asked
            .iter()
            .all(|request| !request.path.ends_with("/teams"))
    );
}

#[test]
fn a_combination_fails_with_any_of_its_parents() {
    let fixture = FIXTURE.replace(
        "'orgs/{org}/teams'\n",
        "'orgs/{org}/teams'\n    faults: [{ times: 99, status: 404 }]\n",
    );
    let served = Served::start(Fixture::parse(&fixture).unwrap());
    let workspace = Workspace::new();
    let resources = "
  - { name: teams, endpoint: 'orgs/1/teams' }
  - { name: lines, endpoint: { path: lines, params: { org: '{resources.orgs.id}', team: '{resources.teams.id}' } } }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{resources}"));
    let finished = workspace.engine(["run", spec.to_str().unwrap(), "--sandbox", &served.origin()]);
    finished.assert_code(3);
    assert!(
        finished
            .stdout
            .contains("its parent `teams` was not read to its end"),
        "{finished:#?}"
    );
    assert_eq!(rows(&workspace.path().join("data/hub"), "orgs").len(), 2);
}
