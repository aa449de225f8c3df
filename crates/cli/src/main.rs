//! The `engine` command: arguments in, an exit code out.

mod args;
mod commands;
mod failure;
mod grid;
mod place;
mod printer;
mod progress;
mod signals;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use engine::load::fail_point::halt_process_at;

use args::{Arguments, Command};
use printer::{Printer, is_result_lost};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    halt_where_a_test_says();
    let printer = Printer::new(arguments.quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failure::Failure::from(error).report(&printer),
    };
    let result = match arguments.command {
        Command::Init(arguments) => runtime.block_on(commands::init::init(arguments, &printer)),
        Command::Check(arguments) => runtime.block_on(commands::check::check(arguments, &printer)),
        Command::Plan(arguments) => runtime.block_on(commands::plan::plan(arguments, &printer)),
        Command::Preview(arguments) => {
            runtime.block_on(commands::preview::preview(arguments, &printer))
        }
        Command::Run(arguments) => runtime.block_on(commands::run::run(arguments, &printer)),
        Command::Test(arguments) => runtime.block_on(commands::test::test(&arguments, &printer)),
        Command::State(arguments) => {
            runtime.block_on(commands::state::state(arguments.command, &printer))
        }
        Command::Sandbox(arguments) => {
            runtime.block_on(commands::sandbox::serve(arguments, &printer))
        }
        Command::Files(arguments) => runtime.block_on(commands::files::files(&arguments, &printer)),
        Command::Sql(arguments) => runtime.block_on(commands::sql::sql(&arguments, &printer)),
        Command::Schema(arguments) => {
            runtime.block_on(commands::schema::schema(&arguments, &printer))
        }
        Command::Docs(arguments) => runtime.block_on(commands::docs::docs(arguments, &printer)),
        Command::Show(arguments) => runtime.block_on(commands::show::show(&arguments, &printer)),
        Command::Compact(arguments) => {
            runtime.block_on(commands::compact::compact(&arguments, &printer))
        }
        Command::Vacuum(arguments) => {
            runtime.block_on(commands::vacuum::vacuum(&arguments, &printer))
        }
        Command::Forget(arguments) => {
            runtime.block_on(commands::forget::forget(&arguments, &printer))
        }
        Command::Completions(arguments) => {
            Ok(commands::completions::completions(&arguments, &printer))
        }
        Command::Man(arguments) => commands::man::man(&arguments, &printer),
    };
    match result {
        Ok(_) if is_result_lost() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(failure) => failure.report(&printer),
    }
}

/// Tests end or stop the process at a point of a commit; a release build asks for nothing.
fn halt_where_a_test_says() {
    if cfg!(debug_assertions)
        && let Some(name) = std::env::var_os("ENGINE_FAIL_POINT")
    {
        halt_process_at(&name.to_string_lossy()).expect("a test names a point that there is");
    }
}
