//! Crossfeed: carries events between Salesforce and Apache Kafka, both ways, and never loses one.

use clap::Parser as _;
use crossfeed::cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    crossfeed::logging::set_up(cli.command.log_level());
    match cli.command {
        Command::Run { retry_login } => crossfeed::cli::run(cli.config.as_deref(), retry_login),
        Command::Check(arguments) => crossfeed::cli::check(&arguments, cli.config.as_deref()),
        Command::Login(arguments) => crossfeed::cli::login(&arguments, cli.config.as_deref()),
        Command::Logout { org } => crossfeed::cli::logout(&org, cli.config.as_deref()),
        Command::Gaps(command) => crossfeed::cli::gaps(&command, cli.config.as_deref()),
        Command::Pause(arguments) => crossfeed::cli::pause(&arguments, cli.config.as_deref()),
        Command::Resume { feed } => crossfeed::cli::resume(&feed, cli.config.as_deref()),
        Command::Reload => crossfeed::cli::reload(cli.config.as_deref()),
        Command::Positions(command) => crossfeed::cli::positions(&command, cli.config.as_deref()),
    }
}
