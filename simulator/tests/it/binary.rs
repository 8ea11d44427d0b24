//! The program: its first line, and its end.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn the_first_line_tells_the_port_and_sigterm_ends_it_cleanly() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crossfeed-simulator"))
        .args(["--listen", "127.0.0.1:0", "--hold", "200ms", "--expiry", "50ms", "--channel", "/event/More__e"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port: u16 = line.trim_end().strip_prefix("listening on http://127.0.0.1:").unwrap().parse().unwrap();
    assert_ne!(port, 0);
    assert!(Command::new("kill").arg(program.id().to_string()).status().unwrap().success());
    assert!(program.wait().unwrap().success());
}
