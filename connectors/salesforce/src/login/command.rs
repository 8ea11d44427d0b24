//! A command of the operator's that prints a secret. Never by way of a shell, and never without an end.

use std::{borrow::Cow, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use crate::{Error, Secret, reply::in_one_line};

/// Finds a command that cannot be run.
pub(super) fn check(words: &[String]) -> Result<(), Error> {
    match words.first() {
        Some(program) if !program.is_empty() => Ok(()),
        _ => Err(Error::Configuration {
            problem: "the command of the login is empty".into(),
            remedy: "give the program and each of its arguments as a word of its own",
        }),
    }
}

/// What the command prints, which no error shows; what it prints as an error, they do.
pub(super) async fn run(words: &[String]) -> Result<Secret, Error> {
    run_within(LIMIT, words).await
}

async fn run_within(limit: Duration, words: &[String]) -> Result<Secret, Error> {
    check(words)?;
    let (program, arguments) = words.split_first().unwrap_or((&EMPTY, &[]));
    let failed = |problem: String, passes: bool| Error::Credential {
        problem: format!("command `{program}` {problem}"),
        remedy: Cow::Borrowed("run the command by hand, as the user this program runs as, and see what it says"),
        passes,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // So that whatever it starts ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}"), true))?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async { tokio::try_join!(read(stdout), read(stderr), child.wait()) };
    let Ok(outcome) = timeout(limit, all).await else {
        drop(group);
        // Killed, so that it is gone at once, if the system can do it.
        let _reaped = timeout(REAP_LIMIT, child.wait()).await;
        return Err(failed(format!("did not end within {} s and was killed", limit.as_secs_f32()), true));
    };
    group.has_ended();
    let (output, complaint, status) = outcome.map_err(|error| failed(format!("cannot be followed: {error}"), true))?;
    if !status.success() {
        let complaint = in_one_line(&String::from_utf8_lossy(&complaint));
        return Err(failed(format!("failed with {status}: {complaint}"), true));
    }
    if output.len() > OUTPUT_LIMIT {
        return Err(failed(format!("printed more than {OUTPUT_LIMIT} bytes"), false));
    }
    match String::from_utf8(output) {
        Ok(output) => Ok(output.into()),
        Err(_) => Err(failed("printed something other than text".into(), false)),
    }
}

/// Reads to the end, and keeps a little more than may come.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(kept) };
    let mut buffer = [0; 8192];
    loop {
        let count = pipe.read(&mut buffer).await?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { return Ok(kept) };
        if kept.len() <= OUTPUT_LIMIT {
            kept.extend_from_slice(read);
        }
    }
}

/// The processes of a command, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        Self(leader.map(Pid::from_raw))
    }

    /// Its number may belong to others from now on.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Fails only if they have ended by themselves.
            let _ended = killpg(leader, Signal::SIGKILL);
        }
    }
}

static EMPTY: String = String::new();

/// A command may have to ask a host far away.
const LIMIT: Duration = Duration::from_secs(60);

const REAP_LIMIT: Duration = Duration::from_secs(5);

/// A token has some hundred bytes, an assertion some thousand.
const OUTPUT_LIMIT: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
