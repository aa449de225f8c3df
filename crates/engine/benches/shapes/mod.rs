//! Records of several shapes, made from their number.

/// Gives the record of a row.
pub(crate) type Record = fn(usize) -> String;

/// What records can look like.
pub(crate) const SHAPES: [(&str, Record); 5] = [
    ("flat", state),
    ("nested", nested),
    ("wide", wide),
    ("sparse", sparse),
    ("small", small),
];

/// Always the same for the same row and salt.
fn random(row: usize, salt: usize) -> u64 {
    let mut value = (row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (salt as u64) << 32;
    value ^= value >> 29;
    value = value.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value ^ value >> 32
}

/// A record of about 600 bytes: objects in objects, a list of texts and one of up to four objects.
fn nested(row: usize) -> String {
    let random = |salt| random(row, salt);
    let lines: Vec<String> = (0..(random(1) % 5) as usize)
        .map(|line| {
            format!(
                r#"{{"sku":"sku-{}","quantity":{},"price":{{"amount":{}.{:02},"currency":"EUR"}},"gift":{}}}"#,
                random(10 + line) % 5000,
                random(20 + line) % 9 + 1,
                random(30 + line) % 300,
                random(40 + line) % 100,
                random(50 + line) % 8 == 0,
            )
        })
        .collect();
    format!(
        r#"{{"id":{row},"created_at":"2024-03-{:02}T{:02}:15:00Z","customer":{{"id":"c-{}","name":"Customer {}","address":{{"city":"City {}","zip":"{:05}","geo":{{"lat":{}.5,"lon":-{}.25}}}}}},"tags":["tag-{}","tag-{}"],"lines":[{}],"note":null}}"#,
        random(2) % 28 + 1,
        random(3) % 24,
        random(4) % 9000,
        random(4) % 9000,
        random(5) % 300,
        random(5) % 100_000,
        random(6) % 90,
        random(7) % 180,
        random(8) % 40,
        random(9) % 40,
        lines.join(",")
    )
}

/// A record of 2,000 fields and about 45,000 bytes.
fn wide(row: usize) -> String {
    members(row, 0..2000)
}

/// A record of another hundred of 1,000 fields, about 2,200 bytes.
fn sparse(row: usize) -> String {
    let first = row * 7 % 10;
    members(row, (first..1000).step_by(10))
}

/// A record of about 75 bytes.
fn small(row: usize) -> String {
    let value = random(row, 1);
    format!(
        r#"{{"id":{row},"at":"2024-01-{:02}T{:02}:{:02}:00Z","kind":"k{}","value":{}.{:02}}}"#,
        value % 28 + 1,
        value / 28 % 24,
        value / 672 % 60,
        value / 40_320 % 20,
        value % 10_000,
        value / 10_000 % 100,
    )
}

/// An object of numbered fields: texts, whole numbers, decimals and truth values by turns.
fn members(row: usize, fields: impl Iterator<Item = usize>) -> String {
    let members: Vec<String> = fields
        .map(|field| {
            let value = random(row, field);
            let value = match field % 4 {
                0 => format!(r#""text {}""#, value % 10_000),
                1 => (value % 1_000_000).to_string(),
                2 => format!("{}.{:02}", value % 1000, value / 1000 % 100),
                _ => value.is_multiple_of(2).to_string(),
            };
            format!(r#""field_{field}":{value}"#)
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A flat record of twelve fields and about 330 bytes.
fn state(row: usize) -> String {
    let random = |salt| random(row, salt);
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
