//! A started process: its log, its end, and what it took of the machine.

mod figures;
mod guard;
mod log;

pub use figures::{Figures, figures};
pub(crate) use log::Log;

use crate::{Error, until};
use guard::Guard;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running process. Dropping it ends it at once, and so does the end of this process, however that comes.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Log,
    guard: Guard,
}

impl Process {
    /// Starts a program in a process group of its own, so that Ctrl-C reaches only its parent. What it says is appended
    /// to the file `log`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        log: &Path,
    ) -> Result<Self, Error> {
        Self::start_in(program, arguments, log, &[])
    }

    /// The same, with these variables in its environment besides ours.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_in<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        log: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        // Before the process: between the two, nothing may be left behind either.
        let guard = Guard::start()?;
        let (log, out, err) = Log::open(log)?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(Error::io(format!("cannot start {}", program.display())))?;
        let mut process = Self { name, child, log, guard };
        process.guard.watch(process.child.id())?;
        Ok(process)
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it took so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn figures(&self) -> Result<Figures, Error> {
        figures(self.pid())
    }

    /// Waits for what `read` makes of one of the lines that it says; `what` is said when none comes.
    ///
    /// # Errors
    /// [`Error::Late`], or [`Error::Ended`] when it ended first.
    pub async fn line<T>(&mut self, what: &str, limit: Duration, read: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        let found = until(what, limit, async || {
            // Before its log is read: a line that it said last is still found.
            let ended = self.ended()?;
            if let Some(found) = self.log.since_start()?.lines().find_map(&read) {
                return Ok(Some(found));
            }
            ended.map_or(Ok(None), Err)
        });
        let found = found.await;
        found.map_err(|error| self.with_log(error))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::Late`].
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        let what = format!("{} ends", self.name);
        let ended = until(&what, limit, async || self.child.try_wait().map_err(Error::io(what.clone()))).await;
        ended.map_err(|error| self.with_log(error))
    }

    /// Asks it to end with SIGTERM, and waits for that.
    ///
    /// # Errors
    /// [`Error::Late`].
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        if self.is_running() {
            signal(self.pid(), Signal::SIGTERM)?;
        }
        self.wait(limit).await
    }

    /// Asks it to end with SIGTERM, and sees to it that it does so with exit status 0.
    ///
    /// # Errors
    /// [`Error::Late`], or [`Error::Disorderly`].
    pub async fn stop(&mut self, limit: Duration) -> Result<(), Error> {
        let status = self.terminate(limit).await?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Disorderly { name: self.name.clone(), status, said: self.log.last_lines() })
    }

    /// Ends it at once, with SIGKILL.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn kill(&mut self) -> Result<(), Error> {
        let what = format!("cannot end {}", self.name);
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(Error::io(what))
    }

    /// The file that it writes its log to.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.log.path()
    }

    /// [`Error::Ended`] if it has ended.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(crate) fn ended(&mut self) -> Result<Option<Error>, Error> {
        let status = self.child.try_wait().map_err(Error::io(format!("cannot ask for {}", self.name)))?;
        Ok(status.map(|status| Error::Ended { name: self.name.clone(), status, said: self.log.last_lines() }))
    }

    /// Adds the last lines of its log to an error that does not say what happened.
    pub(crate) fn with_log(&self, error: Error) -> Error {
        match error {
            Error::Late { what, limit, said } => {
                let last = self.log.last_lines();
                Error::Late { what, limit, said: format!("{said}\nthe last that {} said:\n{last}", self.name) }
            }
            error => error,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ = self.child.wait();
        self.guard.release();
    }
}

/// A program of the workspace: beside this one, or beside the folder of this one where that is a test.
///
/// # Errors
/// [`Error::NotBuilt`].
pub fn program(name: &str) -> Result<PathBuf, Error> {
    let this = std::env::current_exe().map_err(Error::io("cannot tell where this program is"))?;
    let beside = this.parent().unwrap_or(Path::new("."));
    let beside = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    let path = beside.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::NotBuilt { program: name.to_owned(), beside: beside.to_owned() })
}

fn signal(pid: u32, signal: Signal) -> Result<(), Error> {
    let pid = i32::try_from(pid).map_err(|_| Error::malformed("the process id", "not one"))?;
    kill(Pid::from_raw(pid), signal).map_err(|error| Error::io(format!("cannot send {signal} to {pid}"))(error.into()))
}
