//! Words and names to choose from.

/// First names.
pub(super) const FIRST_NAMES: &[&str] = &[
    "Ada", "Amir", "Ana", "Anders", "Aoife", "Asha", "Ben", "Bianca", "Carlos", "Chen", "Chloe",
    "Dana", "David", "Elif", "Emma", "Farid", "Fatima", "Gita", "Grace", "Hana", "Hugo", "Ines",
    "Ivan", "Jamal", "Jana", "Jonas", "Kofi", "Lara", "Leo", "Lucia", "Maya", "Mei", "Nadia",
    "Noah", "Olga", "Omar", "Paula", "Quinn", "Ravi", "Rosa", "Sam", "Sofia", "Tariq", "Uma",
    "Viktor", "Wren", "Yuki", "Zoe",
];

/// Last names.
pub(super) const LAST_NAMES: &[&str] = &[
    "Abara", "Adams", "Almeida", "Bauer", "Bianchi", "Castro", "Chen", "Costa", "Dubois",
    "Eriksen", "Fischer", "Garcia", "Haddad", "Hansen", "Ivanov", "Jensen", "Kaur", "Kim",
    "Kowalski", "Lopez", "Mensah", "Moreau", "Murphy", "Nakamura", "Novak", "Okafor", "Patel",
    "Petrov", "Rossi", "Santos", "Schmidt", "Silva", "Singh", "Tanaka", "Walker", "Weber", "Wong",
    "Yilmaz",
];

/// Ordinary words.
pub(super) const WORDS: &[&str] = &[
    "account", "address", "agent", "answer", "balance", "billing", "call", "change", "charge",
    "check", "claim", "code", "customer", "delay", "delivery", "device", "email", "error",
    "exchange", "follow", "help", "invoice", "issue", "item", "label", "late", "login", "missing",
    "number", "offer", "order", "package", "password", "payment", "plan", "price", "question",
    "receipt", "refund", "renewal", "reply", "request", "reset", "return", "review", "setup",
    "shift", "status", "support", "team", "ticket", "transfer", "update", "upgrade", "week",
];
