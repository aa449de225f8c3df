//! Pages that are asked for ahead, against a simulated server.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

fn parallel(concurrency: usize) -> Pager {
    Pager::new(&PaginatorPlan::Counted(CountedPlan {
        concurrency,
        ..offset_plan()
    }))
}

#[test]
fn once_the_total_is_known_pages_are_asked_for_ahead() {
    let mut pager = parallel(3);
    assert_eq!(asked(&mut pager), "limit=500 offset=0");
    let page = |seed: u64| json!({"items": items(100, seed), "total": 450});
    assert_eq!(
        next(&mut pager, &page(1)),
        "limit=500 offset=100 | limit=500 offset=200 | limit=500 offset=300"
    );
    assert_eq!(next(&mut pager, &page(2)), "limit=500 offset=400");
    assert_eq!(next(&mut pager, &page(3)), "done");
    assert_eq!(next(&mut pager, &page(4)), "done");
    assert!(!pager.has_ended());
    let last = json!({"items": items(50, 5), "total": 450});
    assert_eq!(next(&mut pager, &last), "done");
    assert!(pager.has_ended());
}

#[test]
fn page_numbers_are_asked_for_ahead_up_to_any_known_end() {
    let ahead = |change: fn(&mut CountedPlan), body: &Value| {
        let mut pager = page_number(|plan| {
            plan.concurrency = 8;
            change(plan);
        });
        next(&mut pager, body)
    };
    let body = json!({"items": [1, 2], "pages": 3, "count": 7});
    assert_eq!(ahead(|_| {}, &body), "page=2 | page=3");
    let by_items =
        |plan: &mut CountedPlan| plan.stop.total = Some(total("count", PageUnit::Records));
    assert_eq!(ahead(by_items, &body), "page=2 | page=3 | page=4");
    let by_maximum = |plan: &mut CountedPlan| (plan.stop.total, plan.maximum) = (None, Some(4));
    assert_eq!(ahead(by_maximum, &body), "page=2 | page=3");
    let by_pages =
        |plan: &mut CountedPlan| (plan.stop.total, plan.stop.max_pages) = (None, Some(2));
    assert_eq!(ahead(by_pages, &body), "page=2");
    let unknown = |plan: &mut CountedPlan| plan.stop.total = None;
    assert_eq!(ahead(unknown, &body), "page=2");
}

#[test]
fn another_count_throws_away_what_lies_behind() {
    let mut pager = parallel(3);
    pager.ask().unwrap();
    next(&mut pager, &json!({"items": items(100, 1), "total": 1000}));
    let short = json!({"items": items(97, 2), "total": 1000});
    assert!(turn(&mut pager, &short).unwrap().restart);
    // One by one, until two pages have the same number of records.
    assert_eq!(asked(&mut pager), "limit=500 offset=197");
    let page = |seed: u64| json!({"items": items(100, seed), "total": 1000});
    assert_eq!(next(&mut pager, &page(3)), "limit=500 offset=297");
    assert_eq!(
        next(&mut pager, &page(4)),
        "limit=500 offset=397 | limit=500 offset=497 | limit=500 offset=597"
    );
}

#[test]
fn a_total_that_grows_is_followed() {
    let mut pager = parallel(8);
    pager.ask().unwrap();
    assert_eq!(
        next(&mut pager, &json!({"items": items(10, 1), "total": 20})),
        "limit=500 offset=10"
    );
    let grown = json!({"items": items(10, 2), "total": 35});
    let step = turn(&mut pager, &grown).unwrap();
    assert_eq!(step.warnings.len(), 1);
    assert_eq!(
        asked(&mut pager),
        "limit=500 offset=20 | limit=500 offset=30"
    );
}

/// A server of numbered records, which may not behave.
#[derive(Clone, Debug)]
struct Simulated {
    total: u64,
    /// The most records that a page has.
    clamp: u64,
    /// Pages that are cut short, by offset.
    short: HashMap<u64, u64>,
    /// How many records are added behind the last one after so many requests.
    growth: Option<(usize, u64)>,
}

impl Simulated {
    /// The answer to the n-th request.
    fn answer(&self, request: usize, offset: u64, limit: u64) -> (Vec<u64>, u64) {
        let added = self.growth.filter(|(after, _)| request >= *after);
        let total = self.total + added.map_or(0, |(_, added)| added);
        let mut size = limit.min(self.clamp);
        if let Some(short) = self.short.get(&offset) {
            size = size.min((*short).max(1));
        }
        let end = total.min(offset.saturating_add(size));
        ((offset..end).collect(), total)
    }
}

/// What reading gave: the records, and each group of offsets that was asked for between two restarts.
struct Read {
    records: Vec<u64>,
    asked: Vec<Vec<u64>>,
    most_out: usize,
}

/// Reads as the async loop does; answers are made when a request goes out, so that they age while they wait.
fn read(server: &Simulated, limit: u64, concurrency: usize) -> Result<Read, PagerError> {
    let mut plan = offset_plan();
    plan.concurrency = concurrency;
    plan.page_size = Some(PageSizePlan {
        size: limit,
        placement: Some(query("limit")),
    });
    let mut pager = Pager::new(&PaginatorPlan::Counted(plan));
    let mut out: VecDeque<(Vec<u64>, u64)> = VecDeque::new();
    let mut read = Read {
        records: Vec::new(),
        asked: vec![Vec::new()],
        most_out: 0,
    };
    let mut requests = 0;
    loop {
        while let Some(ask) = pager.ask() {
            let offset = ask.values[1].1.as_u64().unwrap();
            read.asked.last_mut().unwrap().push(offset);
            out.push_back(server.answer(requests, offset, limit));
            requests += 1;
        }
        read.most_out = read.most_out.max(out.len());
        let Some((records, total)) = out.pop_front() else {
            return Ok(read);
        };
        let turn = turn(&mut pager, &json!({"items": records, "total": total}))?;
        read.records.extend(records);
        if turn.restart {
            out.clear();
            read.asked.push(Vec::new());
        }
        if pager.has_ended() {
            return Ok(read);
        }
    }
}

proptest! {
    /// Never skips a record, never gives one twice, and never asks twice for an offset unless it plans anew.
    #[test]
    fn nothing_is_skipped_or_doubled(
        total in 0_u64..400,
        limit in 1_u64..60,
        clamp in 1_u64..60,
        short in prop::collection::hash_map(0_u64..400, 1_u64..50, 0..6),
        growth in prop::option::of((0_usize..12, 1_u64..80)),
        concurrency in 1_usize..16,
    ) {
        let server = Simulated { total, clamp, short, growth };
        let parallel = read(&server, limit, concurrency).unwrap();
        let end = parallel.records.len() as u64;
        prop_assert_eq!(&parallel.records, &(0..end).collect::<Vec<_>>());
        prop_assert!(end >= total);
        prop_assert!(parallel.most_out <= concurrency);
        prop_assert!(parallel.asked.len() <= 4);
        for asked in &parallel.asked {
            prop_assert!(asked.is_sorted_by(|one, other| one < other), "{asked:?}");
        }
        if server.growth.is_none() {
            let sequential = read(&server, limit, 1).unwrap();
            prop_assert_eq!(&parallel.records, &sequential.records);
        }
    }
}
