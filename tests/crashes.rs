//! The process is killed anywhere, and run once more: the tables are those of a run that nobody disturbed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::load::fail_point::FailPoint;

use crate::support::{Bucket, Finished, Reply, Request, Scripted, Workspace, rows};

/// Runs that are killed at a random instant, on each kind of destination. `ENGINE_TEST_KILLS` names another number.
const KILLS: u64 = 100;

/// A run that takes longer hangs.
const LONGEST_RUN: Duration = Duration::from_mins(1);

/// A load in which the process is killed.
#[derive(Clone, Copy, Debug)]
enum Load {
    /// The one that makes the destination.
    First,
    /// One that changes the tables of the first.
    Second,
}

impl Load {
    /// When it runs: windows until then are new.
    fn now(self) -> &'static str {
        match self {
            Self::First => "2024-01-03T00:00:00Z",
            Self::Second => "2024-01-06T00:00:00Z",
        }
    }
}

/// An API whose people and teams change between two loads, and whose events lie in windows of a day.
struct Api {
    server: Scripted,
    load: Arc<AtomicU64>,
}

impl Api {
    fn start() -> Self {
        let load = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&load);
        let server = Scripted::start(move |request| answer(request, now.load(Ordering::Relaxed)));
        Self { server, load }
    }

    fn spec(&self, destination: &str) -> String {
        format!(
            "name: shop\ncheckpoint: {{ size: 1B, every: 1h }}\nclient: {{ base_url: '{}' }}\n\
             resource_defaults: {{ endpoint: {{ paginator: single_page }} }}\nresources:\n\
             - name: events\n  concurrency: 1\n  endpoint:\n    incremental: {{ cursor_path: at, initial_value: '2024-01-01', \
             window: 1d, start_param: from, end_param: to }}\n\
             - {{ name: teams, write_disposition: replace }}\n\
             - {{ name: people, write_disposition: merge, primary_key: id }}\n\
             {destination}",
            self.server.url()
        )
    }
}

fn answer(request: &Request, load: u64) -> Reply {
    let path = request.target.split('?').next().unwrap_or_default();
    let records: Vec<String> = match path {
        "/events" => {
            let day = request.parameter("from").unwrap_or_default();
            let day = day.get(..10).unwrap_or_default();
            (0..3)
                .map(|hour| format!(r#"{{"at": "{day}T0{hour}:00:00Z", "what": "x"}}"#))
                .collect()
        }
        "/teams" => (0..5 + load)
            .map(|id| format!(r#"{{"id": {id}, "load": {load}}}"#))
            .collect(),
        _ => (10 * load..20 + 10 * load)
            .map(|id| format!(r#"{{"id": {id}, "name": "of load {load}"}}"#))
            .collect(),
    };
    Reply::json(format!("[{}]", records.join(",")))
}

/// A destination that can be put back to what it was before a load.
struct Place {
    workspace: Workspace,
    /// The folder in which all files of the destination lie.
    folder: PathBuf,
    /// Copies of it: before the first load, and behind it.
    templates: PathBuf,
    bucket: Option<Bucket>,
    /// Where the tables are, below `folder`.
    prefix: &'static str,
}

impl Place {
    fn new(api: &Api, bucket: Option<Bucket>) -> Self {
        let workspace = Workspace::new();
        let (folder, prefix, destination) = match &bucket {
            None => {
                let folder = workspace.path().join("lake");
                (folder, "", "destination: { url: lake }\n".to_owned())
            }
            Some(bucket) => (
                bucket.folder().to_owned(),
                "lake/some/prefix",
                bucket.destination(),
            ),
        };
        workspace.write("shop.yaml", &api.spec(&destination));
        let place = Self {
            templates: workspace.path().join("templates"),
            workspace,
            folder,
            bucket,
            prefix,
        };
        std::fs::create_dir_all(&place.folder).unwrap();
        copy(&place.folder, &place.template(Load::First));
        place.run(Load::First).assert_code(0);
        copy(&place.folder, &place.template(Load::Second));
        place
    }

    /// What is there before a load.
    fn template(&self, load: Load) -> PathBuf {
        self.templates.join(format!("{load:?}"))
    }

    fn command(&self, load: Load) -> Command {
        let arguments = ["run", "shop.yaml", "--now", load.now()];
        let mut command = self.workspace.command(arguments);
        if let Some(bucket) = &self.bucket {
            let environment = bucket.environment.iter();
            command.envs(environment.map(|(name, value)| (*name, value)));
        }
        command
    }

    fn run(&self, load: Load) -> Finished {
        let mut command = self.command(load);
        let run = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = run.id().to_string();
        let (done, watched) = std::sync::mpsc::channel();
        let watch = std::thread::spawn(move || {
            if watched.recv_timeout(LONGEST_RUN).is_err() {
                drop(Command::new("kill").args(["-KILL", &process]).status());
            }
        });
        let finished = Finished::from(run.wait_with_output().unwrap());
        done.send(()).ok();
        watch.join().unwrap();
        finished
    }

    fn spawn(&self, load: Load, point: Option<FailPoint>) -> Child {
        let mut command = self.command(load);
        if let Some(point) = point {
            command.env("ENGINE_FAIL_POINT", point.name());
        }
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn reset(&self, load: Load) {
        std::fs::remove_dir_all(&self.folder).unwrap();
        copy(&self.template(load), &self.folder);
    }

    /// The rows of all tables, each with the times that it is there.
    fn tables(&self) -> Tables {
        let lake = self.folder.join(self.prefix);
        let table = |name: &str| {
            let mut counted = BTreeMap::new();
            for mut row in rows(&lake, name).rows {
                row.remove("_load_id");
                row.remove("_extracted_at");
                *counted.entry(row).or_default() += 1;
            }
            (name.to_owned(), counted)
        };
        ["events", "teams", "people"].map(table).into()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// How many files there are.
fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count(&entry.path()),
        _ => 1,
    });
    sizes.sum()
}

/// When the process is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    At(FailPoint),
    After(Duration),
    /// When the number of objects at the destination has changed so often.
    AtObject(u64),
}

type Tables = BTreeMap<String, BTreeMap<BTreeMap<String, String>, u64>>;

/// A load, and what it leaves where nobody disturbs it.
struct Undisturbed<'p> {
    place: &'p Place,
    load: Load,
    took: Duration,
    tables: Tables,
}

impl<'p> Undisturbed<'p> {
    fn new(api: &Api, place: &'p Place, load: Load) -> Self {
        api.load.store(load as u64, Ordering::Relaxed);
        place.reset(load);
        let begun = Instant::now();
        place.run(load).assert_code(0);
        Self {
            place,
            load,
            took: begun.elapsed(),
            tables: place.tables(),
        }
    }

    /// Kills the load, runs it once more, and compares; tells whether the kill came before the run's end.
    fn kill(&self, kill: Kill) -> bool {
        let Self { place, load, .. } = self;
        place.reset(*load);
        let point = match kill {
            Kill::At(point) => Some(point),
            _ => None,
        };
        let mut run = place.spawn(*load, point);
        match kill {
            Kill::At(_) => {}
            Kill::After(wait) => std::thread::sleep(wait),
            Kill::AtObject(changes) => {
                let mut before = count(&place.folder);
                let mut seen = 0;
                while seen < changes && run.try_wait().unwrap().is_none() {
                    let now = count(&place.folder);
                    seen += u64::from(now != before);
                    before = now;
                }
            }
        }
        if point.is_none() {
            run.kill().unwrap();
        }
        let was_killed = run.wait().unwrap().code() != Some(0);
        let again = place.run(*load);
        assert_eq!(again.code, Some(0), "{load:?}, {kill:?}: {again:#?}");
        assert_eq!(place.tables(), self.tables, "{load:?}, {kill:?}");
        let staging = place.folder.join(place.prefix).join("_engine/staging");
        assert_eq!(
            count(&staging),
            0,
            "{load:?}, {kill:?} leaves something behind"
        );
        was_killed
    }

    /// Kills it at each point; gives those that it doesn't pass.
    fn kill_at_points(&self) -> Vec<FailPoint> {
        // A release build has no fail points.
        let points = FailPoint::ALL
            .into_iter()
            .filter(|_| cfg!(debug_assertions));
        points
            .filter(|point| !self.kill(Kill::At(*point)))
            .collect()
    }
}

fn campaign(new_bucket: fn() -> Option<Bucket>) {
    let api = Api::start();
    let place = Place::new(&api, new_bucket());
    let [first, second] =
        [Load::First, Load::Second].map(|load| Undisturbed::new(&api, &place, load));
    let counts =
        |tables: &Tables| -> Vec<u64> { tables.values().map(|rows| rows.values().sum()).collect() };
    assert_eq!(
        counts(&first.tables),
        [6, 20, 5],
        "events, people and teams"
    );
    assert_eq!(
        counts(&second.tables),
        [15, 30, 6],
        "events, people and teams"
    );

    // The API is at the load that is killed.
    api.load.store(Load::First as u64, Ordering::Relaxed);
    let passed_by = first.kill_at_points();
    assert!(
        passed_by.len() <= 4 || cfg!(not(debug_assertions)),
        "{passed_by:?}"
    );
    api.load.store(Load::Second as u64, Ordering::Relaxed);
    let mut passed_by = second.kill_at_points();
    // A run without leftovers of another one, and with few commits behind it, has nothing to do there.
    let rare = [
        FailPoint::PlaceTaken,
        FailPoint::LeftoverRemoved,
        FailPoint::SnapshotWritten,
    ];
    passed_by.retain(|point| !rare.contains(point));
    assert_eq!(passed_by, [], "no load passes these points");

    let mut random = fastrand::Rng::with_seed(7);
    let kills = std::env::var_os("ENGINE_TEST_KILLS");
    let kills = kills.map_or(KILLS, |kills| kills.to_str().unwrap().parse().unwrap());
    let mut killed = 0;
    for number in 0..kills {
        let disturbed = if number % 5 == 0 { &first } else { &second };
        api.load.store(disturbed.load as u64, Ordering::Relaxed);
        let when = if number % 2 == 0 {
            Kill::AtObject(random.u64(1..40))
        } else {
            Kill::After(disturbed.took.mul_f64(random.f64()))
        };
        killed += u64::from(disturbed.kill(when));
    }
    assert!(
        killed * 4 > kills,
        "only {killed} of {kills} kills came before the end"
    );
}

#[test]
fn on_a_local_disk() {
    campaign(|| None);
}

#[test]
fn on_s3() {
    campaign(|| Some(Bucket::s3()));
}
