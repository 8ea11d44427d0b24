//! The bare reader: the same replies, read and dropped.

use crate::bayeux::Session;
use crate::report::Figures;
use harness::Error;
use memchr::memmem;
use std::time::Instant;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    org: String,
    #[arg(long)]
    channel: String,
    #[arg(long)]
    count: u64,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Figures, Error> {
    let begin = Instant::now();
    let (session, mut reply) = Session::open(&arguments.org, &arguments.channel).await?;
    let id = memmem::Finder::new(r#""replayId""#);
    let mut seen = id.find_iter(&reply).count() as u64;
    while seen < arguments.count {
        reply = session.connect().await?;
        seen += id.find_iter(&reply).count() as u64;
    }
    Ok(Figures::since(&harness::Figures::default(), &harness::figures(0)?, seen, begin.elapsed()))
}
