//! The identity that a cloud gives its machines, where no other credentials are at hand.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where the clouds' machines ask for it: a link-local address that AWS, Google and Azure share.
const SERVICE: ([u8; 4], u16) = ([169, 254, 169, 254], 80);

/// A machine of a cloud answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether anyone answers there. Without this look, a request that waits for credentials is tried again for a minute.
///
/// The thread waits for a second at most, before anything else has begun.
pub(super) fn is_at_hand() -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(SERVICE), PATIENCE).is_ok()
}

/// What to tell where it isn't.
pub(super) const MISSING: &str = "no credentials are given, and this machine has no identity in the cloud that could stand in \
                                  for them (docs/destinations.md says where they are looked for)";
