//! What ends a process when this one was killed and could not do it itself.
//!
//! A shell waits for the end of a pipe that only this process can write to; the kernel closes it with us.
//! `PR_SET_PDEATHSIG` would need `unsafe` here, and fires when the thread ends that started the process.

use crate::Error;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// A shell that ends one process with us.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn start() -> Result<Self, Error> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        shell.map(Self).map_err(Error::io("cannot start /bin/sh"))
    }

    pub(super) fn watch(&mut self, pid: u32) -> Result<(), Error> {
        self.say(&pid.to_string()).map_err(Error::io(format!("process {pid} cannot be guarded")))
    }

    /// The process has ended: its id may soon be somebody else's.
    pub(super) fn release(&mut self) {
        let _ended_already = self.say("done");
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }

    fn say(&mut self, word: &str) -> std::io::Result<()> {
        self.0.stdin.as_mut().map_or(Ok(()), |shell| writeln!(shell, "{word}"))
    }
}

/// Never alone with a process that it does not know, and never without a word from us when we let it go in peace.
impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.stdin.is_some() {
            drop(self.0.stdin.take());
            let _ = self.0.wait();
        }
    }
}

const SCRIPT: &str = r#"read -r pid || exit; read -r word; [ "$word" = done ] || kill -KILL "$pid""#;
