//! `engine sandbox`

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use engine_sandbox::{Fixture, Sandbox};

use crate::args::SandboxArguments;
use crate::failure::Failure;
use crate::printer::Printer;

pub(crate) async fn serve(
    arguments: SandboxArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let sandbox = start(&arguments.fixture, arguments.port).await?;
    let information = sandbox.information();
    printer.result(&format!(
        "serving `{}` at {}",
        information.name,
        sandbox.url()
    ));
    printer.note("the sandbox's own state is at /_sandbox; stop it with Ctrl-C");
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Starts a sandbox on loopback.
pub(crate) async fn start(fixture: &std::path::Path, port: u16) -> Result<Sandbox, Failure> {
    let fixture = Fixture::load(fixture).map_err(|error| {
        Failure::usage(
            format!("load the fixture `{}`", fixture.display()),
            Some(error.into()),
        )
    })?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Sandbox::start(fixture, address).await.map_err(|error| {
        Failure::usage(
            format!("start the sandbox on port {port}"),
            Some(error.into()),
        )
    })
}
