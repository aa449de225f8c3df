//! A server of agent states that is no bottleneck: every page is rendered before the first request.
//!
//! `states ROWS PAGE_ROWS [LATENCY]` prints its address and serves `/agents/state?offset=…` until its input ends, each
//! answer after this many milliseconds.
#![allow(clippy::print_stdout, reason = "the address is the program's result")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .flat_map(|text| text.parse())
        .collect();
    let (rows, page_rows, latency) = match numbers[..] {
        [rows, page_rows] => (rows, page_rows, 0),
        [rows, page_rows, latency] => (rows, page_rows, latency),
        // `cargo bench` runs it without any.
        _ => return Ok(()),
    };
    let latency = Duration::from_millis(latency as u64);
    let pages = Arc::new(Pages::render(rows, page_rows));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
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

/// Whole answers, head and body, by page.
struct Pages {
    page_rows: usize,
    answers: Vec<Vec<u8>>,
    empty: Vec<u8>,
}

impl Pages {
    fn render(rows: usize, page_rows: usize) -> Self {
        let pages = (0..rows).step_by(page_rows);
        let page = |first: usize| {
            let states: Vec<String> = (first..rows.min(first + page_rows)).map(state).collect();
            answer(&states.join(","), rows)
        };
        Self {
            page_rows,
            answers: pages.map(page).collect(),
            empty: answer("", rows),
        }
    }
}

fn answer(states: &str, total: usize) -> Vec<u8> {
    let body = format!(r#"{{"agent_states":[{states}],"total":{total}}}"#);
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A flat record of twelve fields and about 330 bytes, always the same for the same number.
fn state(row: usize) -> String {
    let random = |salt: usize| {
        let mut value = (row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (salt as u64) << 32;
        value ^= value >> 29;
        value = value.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value ^ value >> 32
    };
    let agent = random(1) % 500;
    let start = 1_704_067_200 + row as u64 * 7;
    let end = start + 30 + random(2) % 1800;
    let platform = ["zendesk", "five9", "talkdesk"][(random(3) % 3) as usize];
    let status = ["open", "pending", "solved", "on-hold"][(random(5) % 4) as usize];
    let name = [
        "available",
        "on_call",
        "wrap_up",
        "away",
        "lunch",
        "meeting",
        "email",
        "offline",
    ][(random(4) % 8) as usize];
    let mut text = format!(
        r#"{{"agent_id":"6f1c9d2e-77aa-4c6b-9e31-{agent:012x}","agent_name":"Agent Number {agent}","agent_email":"agent.number.{agent}@example.com","platform":"{platform}","agent_platform_id":"{}","state":"{name}","start_time":{start},"end_time":{end},"modified_at":{},"#,
        360_000_000_000 + agent * 7919,
        end + random(6) % 600,
    );
    if random(7) % 4 == 0 {
        text.push_str(r#""external_id":null,"ticket_id":null,"ticket_status":null}"#);
    } else {
        let ticket = 1_000_000 + random(8) % 400_000;
        text = format!(
            r#"{text}"external_id":"ext-{row:09}","ticket_id":"{ticket}","ticket_status":"{status}"}}"#
        );
    }
    text
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
        stream.write_all(pages.answers.get(page).unwrap_or(&pages.empty))?;
    }
}
