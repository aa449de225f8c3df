//! A server of agent states that is no bottleneck: every page is rendered before the first request. Behind two million rows
//! the pages come again.
//!
//! `states ROWS PAGE_ROWS [LATENCY [SHAPE]]` prints its address and the size of all answers in bytes, and serves
//! `/agents/state?offset=…` until its input ends, each answer after this many milliseconds. SHAPE says what a record looks
//! like: `flat` (the default), `nested`, `wide`, `sparse` or `small`.
#![allow(clippy::print_stdout, reason = "the address is the program's result")]

mod shapes;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().flat_map(|text| text.parse()).collect();
    let (rows, page_rows, latency) = match numbers[..] {
        [rows, page_rows] => (rows, page_rows, 0),
        [rows, page_rows, latency] => (rows, page_rows, latency),
        // `cargo bench` runs it without any.
        _ => return Ok(()),
    };
    let name = arguments.get(3).map_or("flat", String::as_str);
    let record = shapes::SHAPES.iter().find(|(shape, _)| *shape == name);
    let Some((_, record)) = record else {
        return Err(std::io::Error::other(format!("no shape is called {name}")));
    };
    let latency = Duration::from_millis(latency as u64);
    let pages = Arc::new(Pages::render(rows, page_rows, *record));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    println!("{}", pages.bytes());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = Arc::clone(&pages);
            // A client that goes away is its own affair.
            std::thread::spawn(move || drop(serve(stream, &pages, latency)));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Rows that are rendered at most: what comes behind them are the same pages again.
const RENDERED_ROWS: usize = 2_000_000;

/// Whole answers, head and body, by page.
struct Pages {
    page_rows: usize,
    /// How many there are.
    count: usize,
    answers: Vec<Vec<u8>>,
    empty: Vec<u8>,
}

impl Pages {
    fn render(rows: usize, page_rows: usize, record: shapes::Record) -> Self {
        let rendered = rows.min(RENDERED_ROWS.next_multiple_of(page_rows));
        let pages = (0..rendered).step_by(page_rows);
        let page = |first: usize| {
            let states: Vec<String> = (first..rows.min(first + page_rows)).map(record).collect();
            answer(&states.join(","), rows)
        };
        Self {
            page_rows,
            count: rows.div_ceil(page_rows),
            answers: pages.map(page).collect(),
            empty: answer("", rows),
        }
    }

    fn page(&self, number: usize) -> &[u8] {
        if number < self.count {
            &self.answers[number % self.answers.len()]
        } else {
            &self.empty
        }
    }

    /// The size of all answers.
    fn bytes(&self) -> usize {
        (0..self.count).map(|number| self.page(number).len()).sum()
    }
}

fn answer(states: &str, total: usize) -> Vec<u8> {
    let body = format!(r#"{{"agent_states":[{states}],"total":{total}}}"#);
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn serve(mut stream: TcpStream, pages: &Pages, latency: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let offset = line
            .split(['?', '&', ' '])
            .find_map(|part| part.strip_prefix("offset="))
            .and_then(|offset| offset.parse::<usize>().ok());
        let mut header = String::from("-");
        while !header.trim_end().is_empty() {
            header.clear();
            input.read_line(&mut header)?;
        }
        std::thread::sleep(latency);
        let page = offset.unwrap_or(0) / pages.page_rows;
        stream.write_all(pages.page(page))?;
    }
}
