//! A simulated REST API, served from a declarative fixture.
//!
//! A [`Fixture`] (one YAML file) says which records exist, how they are paged, what a client must send,
//! and what goes wrong when. A [`Sandbox`] serves it on a loopback address, with a clock of its own, so
//! that the same fixture gives the same bytes on any date.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use engine_sandbox::{Fixture, Sandbox};
//!
//! let fixture = Fixture::parse(
//!     "
//! version: 1
//! name: shop
//! now: 2024-01-22T12:30:00Z
//! collections:
//!   orders: { records: 3, fields: { id: { increment: { start: 1 } } } }
//! routes:
//!   - path: orders
//!     answer: { list: { collection: orders } }
//! ",
//! )?;
//! let sandbox = Sandbox::start(fixture, "127.0.0.1:0".parse()?).await?;
//! // GET {sandbox.url()}/orders answers [{"id":1},{"id":2},{"id":3}]
//! assert_eq!(sandbox.information().collections["orders"], 3);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod answer;
mod data;
pub mod fixture;
mod server;

pub use fixture::{Fixture, FixtureError, fixture_schema};
pub use server::{AnnouncedRateLimit, AskError, Information, Sandbox, SandboxError, SeenRequest};
